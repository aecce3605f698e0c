# SPDX-License-Identifier: MIT
# Completion of preforkctl(8) for bash.

_preforkctl_services() {
	preforkctl "$@" --json status 2>/dev/null | sed -n 's/^ *"service": "\([^"]*\)".*/\1/p' | sort -u
}

_preforkctl_servers() {
	local dir=${XDG_RUNTIME_DIR-}/preforkd path
	[ "$EUID" -eq 0 ] && dir=/run/preforkd
	for path in "$dir"/*.sock; do
		[ -S "$path" ] && path=${path##*/} && echo "${path%.sock}"
	done
}

_preforkctl() {
	local word=${COMP_WORDS[COMP_CWORD]} i=1 server=() command= n=0 choices=
	for (( ; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) server=(-s "${COMP_WORDS[++i]-}") ;;
		-*) ;;
		*) [ -z "$command" ] && command=${COMP_WORDS[i]} || ((n++)) ;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]},$command,$n in
	-s,* | --socket,*) choices=$(_preforkctl_servers) ;;
	*,,*) choices="status top metrics reload resize switch-model restart upgrade drain stop --json --socket --help --version" ;;
	*,resize,0 | *,switch-model,0 | *,restart,0) choices=$(_preforkctl_services "${server[@]}") ;;
	*,switch-model,1) choices="fork pool reuseport ring shared" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -F _preforkctl preforkctl
