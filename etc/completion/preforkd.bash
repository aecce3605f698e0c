# SPDX-License-Identifier: MIT
# Completion of preforkd(8) for bash. The options are read from the program's own help, so none is forgotten here.

_preforkd_section() { # HEADING: the first words of the lines under it
	"${COMP_WORDS[0]}" --help 2>/dev/null | sed -n "/^$1/,/^\$/s/^  \([a-z][a-z-]*\) .*/\1/p"
}

_preforkd_trash() { # PATTERN: what of the usage of the trash is that
	"${COMP_WORDS[0]}" trash --help 2>/dev/null | sed -n 's/.*preforkd trash \([a-z]* FOLDER.*\)/\1/p' | grep -oE -- "$1"
}

_preforkd() {
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]} i service= at= config= choices= line
	local services=" $(_preforkd_section Services | tr '\n' ' ')"
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config) config=1 ;;
		passwd | scrub | trash) service=${service:-${COMP_WORDS[i]}} at=${at:-$i} ;;
		*) [ -z "$service" ] && [[ $services == *" ${COMP_WORDS[i]} "* ]] && service=${COMP_WORDS[i]} ;;
		esac
	done
	if [ "$last" = --model ]; then
		choices=$(_preforkd_section Models)
	elif [ "$service" = trash ] && ((COMP_CWORD == at + 1)); then
		choices=$(_preforkd_trash '^[a-z]+')
	elif [ "$service" = trash ] && [[ $word == -* ]]; then
		choices=$(_preforkd_trash "^${COMP_WORDS[at + 1]} .*" | grep -oE -- '--[a-z]+')
	elif [ -n "$service" ] && [[ $word == -* ]]; then
		choices=$("${COMP_WORDS[0]}" "$service" --help | grep -oE '^  +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
	elif [ -n "$service" ] && line=$("${COMP_WORDS[0]}" "$service" --help | grep -oE -m 1 -- "$last [a-z0-9]+(\|[a-z0-9]+)+") &&
		[[ $last == --* ]]; then
		choices=${line#"$last "}
		choices=${choices//|/ }
	elif [ -z "$service" ] && [ -n "$config" ] && [ "$last" != -c ] && [ "$last" != --config ]; then
		choices="-t -T -d"
	elif [ -z "$service$config" ]; then
		choices="$services passwd scrub trash --config --help --version -c -d"
	fi
	if [ -n "$choices" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _preforkd preforkd
