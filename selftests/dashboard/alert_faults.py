#!/usr/bin/env python3
# Are the tests of the alerts good for anything? Each alert gets one fault after the other: it
# never fires, compares the other way, waits too short or too long, has no exception; promtool's
# tests must find each of them.
#   alert_faults.py RULES.yml TESTS.yml
import os, re, subprocess, sys, tempfile

rules, tests = (open(name).read() for name in sys.argv[1:])
head, *alerts = re.split(r"^(?=      - alert: )", rules, flags=re.M)


def faults(alert):
    expr = re.search(r"^        expr: (>-\n(?:          .*\n)+|.*\n)", alert, re.M)
    text = expr[1]

    def put(new):
        return alert[: expr.start(1)] + new + alert[expr.end(1):]

    plain = " ".join(line.strip() for line in text.removeprefix(">-\n").splitlines())
    yield "never fires", put(f'"({plain.replace(chr(34), chr(92) + chr(34))}) unless on () vector(1)"\n')
    for m in re.finditer(r" (>=|<=|==|>|<) ", text):
        other = {">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!="}[m[1]]
        yield f"{other} for {m[1]}", put(text[: m.start(1)] + other + text[m.end(1):])
    m = re.search(r"\s+unless on? ?\([^)]*\) [^\n]*", text)
    if m:
        yield "no exception", put(text[: m.start()] + text[m.end():])
    wait = re.search(r"^        for: .*\n", alert, re.M)
    if wait:
        yield "at once", alert.replace(wait[0], "")
        yield "too late", alert.replace(wait[0], "        for: 99h\n")


def passes(folder, alerts):
    with open(os.path.join(folder, os.path.basename(sys.argv[1])), "w") as f:
        f.write(head + "".join(alerts))
    run = subprocess.run(["promtool", "test", "rules", os.path.join(folder, "tests.yml")], capture_output=True)
    return run.returncode == 0


with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "tests.yml"), "w") as f:
        f.write(tests)
    if not passes(folder, alerts):
        sys.exit("the tests fail without a fault")
    tried, missed = 0, []
    for i, alert in enumerate(alerts):
        for what, faulty in faults(alert):
            tried += 1
            if passes(folder, alerts[:i] + [faulty] + alerts[i + 1:]):
                missed.append(f"{re.search(r'alert: (.*)', alert)[1]}: {what}")
for m in missed:
    print(f"no test finds: {m}")
print(f"{tried} faults in {len(alerts)} alerts, {len(missed)} not found")
sys.exit(bool(missed))
