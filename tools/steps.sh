# What tools/test and tools/soak share: steps, builds, and how pytest is called. Sourced, in the tree's top folder.

# Prints one line a step. What fails is shown whole, and ends it all; where $logs is set its
# log goes there, its name into $failed, and the next step has its turn.
step() { # NAME COMMAND...
	name=$1
	shift
	started=$(date +%s)
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		printf 'ok    %-44s %4d s\n' "$name" $(($(date +%s) - started))
		grep -E '^(Ok|Fail|FAILED|[0-9]+ (passed|failed)|=+ .*(passed|failed)|SKIPPED)' "$log" | sed 's/^/      /' || true
		rm -f "$log"
	else
		printf 'FAIL  %-44s %4d s\n' "$name" $(($(date +%s) - started))
		fail
	fi
}

fail() {
	if [ -z "${logs:-}" ]; then
		cat "$log"
		rm -f "$log"
		exit 1
	fi
	tail -n 15 "$log" | sed 's/^/      /'
	mv "$log" "$logs/$(printf '%s' "$name" | tr -cs 'a-z0-9\n' '-').log"
	failed="$failed
  $name"
}

configure() { # DIR OPTIONS...
	dir=$1
	shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@"
}

# These machines are noisy and shared: what fails is run once more, alone, and only what fails
# again fails the step. The step's lines show both runs, so that a test which needs the second shows.

suites() { # BUILD SUITE...: of meson's
	build=$1
	shift
	options=
	for suite; do options="$options --suite $suite"; done
	# shellcheck disable=SC2086 # a list of words
	meson test -C "$build" --no-rebuild $options ||
		{ echo "once more, one at a time" && meson test -C "$build" --no-rebuild --num-processes 1 $options; }
}

# With mounts and processes of its own, where $unshare says how: they end with it, however it
# ends. The shell is those processes' init, and reaps.
apart() { # COMMAND...
	# shellcheck disable=SC2086 # a list of words
	if [ "${unshare:-}" ]; then
		$unshare sh -c '"$@"; exit $?' sh "$@"
	else
		"$@"
	fi
}

run_pytest() { # BUILD PYTEST-ARGUMENTS...
	build=$1
	shift
	apart timeout -k 10 "${deadline:-1800}" env PREFORKD="$PWD/$build/src/app/preforkd" LOAD="$PWD/build-test/bench/load" PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -c tests/pytest.ini -o cache_dir="$PWD/$build/pytest-cache" "$@"
}

scenarios() { # BUILD PYTEST-ARGUMENTS...: two at a time, as there are two cores at least
	run_pytest "$@" -n 2 && return
	echo "once more, one at a time: what failed"
	run_pytest "$@" -n 0 --last-failed --last-failed-no-failures=none
}

all_models() { # the same, under every model
	MODELS=fork,pool,reuseport,ring,shared scenarios "$@"
}

other_models() { # the same, under every model but the pool
	MODELS=fork,ring,shared,reuseport scenarios "$@"
}
