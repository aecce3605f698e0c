# SPDX-License-Identifier: MIT
# Completion of prefork-interp(1) for bash.

_prefork_interp() {
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help | grep -oE '^  (--?[A-Za-z-]+(=auto)?)' | tr -d ' ')" -- "$word")
	elif [ "$last" = -E ]; then
		mapfile -t COMPREPLY < <(compgen -e -- "$word")
	elif [ "$COMP_CWORD" -eq 1 ] || [[ $last == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _prefork_interp prefork-interp
