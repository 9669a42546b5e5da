#!/usr/bin/env bash
# Everything that CI asks for, in the order in which a failure is cheapest to learn. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.."
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
results=$(mktemp)
trap 'rm -f "$results"' EXIT
failed=0

turbo run format lint types rules --no-daemon --no-cache --output-logs=errors-only --log-order=grouped || failed=1
vitest run --reporter=default --reporter=json --outputFile.json="$results" || failed=1
bash tools/smoke/first-light.sh || failed=1

counts=$(node -e '
  try {
    const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"))
    const broken = r.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length
    console.log(r.numPassedTests, r.numFailedTests + broken)
  } catch { console.log(0, 1) }' "$results")
read -r passed broken <<<"$counts"
# A failed check outside of the tests is a failure, too.
[ "$failed" -ne 0 ] && [ "$broken" -eq 0 ] && broken=1
echo "$passed passed, $broken failed"
[ "$failed" -eq 0 ] && [ "$broken" -eq 0 ]
