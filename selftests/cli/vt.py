# SPDX-License-Identifier: GPL-2.0
"""A terminal: of an xterm what ncurses uses, so that tests see what a reader sees."""
import re

TOKEN = re.compile(r"\x1b\[([?>!]?)([0-9;]*)[ -/]*([@-~])|\x1b[()][A-Z0-9]|\x1b[=>78MDEc]|[\x00-\x1f]|[^\x00-\x1f\x1b]+",
                   re.S)


class Screen:
    def __init__(self, width, height):
        self.pending = ""
        self.alternate = False
        self.unknown = set()
        self.resize(width, height)

    def resize(self, width, height):
        """As the kernel does it: what was there is drawn again by who drew it."""
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.x = self.y = 0
        self.top, self.bottom = 0, height - 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def feed(self, data):
        data, self.pending = self.pending + data, ""
        at = 0
        while at < len(data):
            match = TOKEN.match(data, at)
            if not match or (data[at] == "\x1b" and match.end() == at + 1):
                self.pending = data[at:]
                return
            self.token(match)
            at = match.end()

    def token(self, match):
        word = match.group(0)
        if match.group(3):
            numbers = [int(n) if n else 0 for n in match.group(2).split(";")]
            self.control(match.group(1), match.group(3), numbers)
        elif word == "\r":
            self.x = 0
        elif word == "\n":
            self.line_feed()
        elif word == "\b":
            self.x = max(0, min(self.x, self.width - 1) - 1)
        elif word == "\t":
            self.x = min(self.width - 1, self.x // 8 * 8 + 8)
        elif word == "\x1bM":
            if self.y == self.top:
                self.scroll(-1)
            else:
                self.y = max(0, self.y - 1)
        elif word[0] >= " ":
            for char in word:
                self.put(char)

    def put(self, char):
        if self.x >= self.width:
            self.x = 0
            self.line_feed()
        self.cells[self.y][self.x] = self.last = char
        self.x += 1

    def line_feed(self):
        if self.y == self.bottom:
            self.scroll(1)
        else:
            self.y = min(self.height - 1, self.y + 1)

    def scroll(self, lines):
        for _ in range(abs(lines)):
            gone = self.top if lines > 0 else self.bottom
            new = self.bottom if lines > 0 else self.top
            del self.cells[gone]
            self.cells.insert(new, [" "] * self.width)

    def erase(self, y, first, last):
        for x in range(first, min(last, self.width)):
            self.cells[y][x] = " "

    def control(self, mark, final, numbers):
        n = max(1, numbers[0])
        x = min(self.x, self.width - 1)
        row = self.cells[self.y]
        if mark == "?" and final in "hl":
            if 1049 in numbers:
                self.alternate = final == "h"
        elif final in "Hf":
            self.y = min(self.height, n) - 1
            self.x = min(self.width, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif final == "d":
            self.y = min(self.height, n) - 1
        elif final in "G`":
            self.x = min(self.width, n) - 1
        elif final == "A":
            self.y = max(0, self.y - n)
        elif final == "B":
            self.y = min(self.height - 1, self.y + n)
        elif final == "C":
            self.x = min(self.width - 1, x + n)
        elif final == "D":
            self.x = max(0, x - n)
        elif final == "J":
            if numbers[0] != 1:
                self.erase(self.y, x if numbers[0] == 0 else 0, self.width)
            for y in range(self.height):
                if numbers[0] == 2 or (y > self.y if numbers[0] == 0 else y < self.y):
                    self.erase(y, 0, self.width)
        elif final == "K":
            self.erase(self.y, 0 if numbers[0] else x, x + 1 if numbers[0] == 1 else self.width)
        elif final == "X":
            self.erase(self.y, x, x + n)
        elif final == "P":
            row[x:] = (row[x + n:] + [" "] * n)[:self.width - x]
        elif final == "@":
            row[x:] = ([" "] * n + row[x:])[:self.width - x]
        elif final == "b":
            for _ in range(n):
                self.put(self.last)
        elif final in "LM":
            top, self.top = self.top, self.y
            self.scroll(-n if final == "L" else n)
            self.top = top
        elif final in "ST":
            self.scroll(n if final == "S" else -n)
        elif final == "r":
            self.top = n - 1
            self.bottom = (numbers[1] if len(numbers) > 1 and numbers[1] else self.height) - 1
            self.x = self.y = 0
        elif final not in "mlht":
            self.unknown.add(final)
