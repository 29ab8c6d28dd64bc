#!/bin/bash
# The manifests of watchdog/dist/kubernetes against the schemas of Kubernetes and of the
# Prometheus operator, by npm's kubernetes-models, and the policy in them by bpfwd. Prints TAP.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

npm_packages kubernetes kubernetes-models@5.1.0 @kubernetes-models/prometheus-operator@6.0.0 js-yaml@5.5.0 || exit 4
node "$repo/selftests/kubernetes/check.mjs" "$repo/watchdog/dist/kubernetes" "$O/kubernetes"
