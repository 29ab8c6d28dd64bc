# shellcheck shell=bash
# bash completion for bpfwd(8). Commands, options and columns are those that the tool
# itself tells; programs are those that are loaded now.

# The words of bpfwd's own help. What it prints to stderr is nobody's business here.
_bpfwd_commands() {
	"$1" -h 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *.*/\1/p'
}
_bpfwd_options() { # tool, command or nothing
	"$@" -h 2>/dev/null | grep -Eo '^ +(-[a-zA-Z?], +)?--[a-z-]+=?|^ +-[a-zA-Z],' | grep -Eo -- '--?[a-zA-Z-]+=?'
}
_bpfwd_columns() {
	"$1" ps -e help 2>/dev/null | sed 's/ .*//'
}
_bpfwd_programs() { # tool, columns
	"$1" ps -o csv -e "$2" 2>/dev/null | tail -n +2 | tr ',' '\n' | sed '/^$/d'
}

_bpfwd_reply() { # words...
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_bpfwd() {
	local tool=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' columns sign i

	COMPREPLY=()
	# --option=value comes as three words
	[[ $cur == '=' ]] && cur=''
	if [[ $prev == '=' ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-o|--output|--color) ((i++)) ;;
		-*|=) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done

	case $prev in
	-o|--output) _bpfwd_reply table csv json jsonl; return ;;
	--color) _bpfwd_reply auto always never; return ;;
	--textfile|--vmlinux) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	pinned) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/sys/fs/bpf/}"); return ;;
	id) _bpfwd_reply "$(_bpfwd_programs "$tool" id)"; return ;;
	name) _bpfwd_reply "$(_bpfwd_programs "$tool" name)"; return ;;
	tag) _bpfwd_reply "$(_bpfwd_programs "$tool" tag)"; return ;;
	--action) _bpfwd_reply end warn detach; return ;;
	--verdict) _bpfwd_reply default own pass deny; return ;;
	--policy) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/etc/bpfwd/policy.d/}"); return ;;
	--path) _bpfwd_reply "$(_bpfwd_programs "$tool" hook)"; return ;;
	--last) _bpfwd_reply denied; return ;;
	--for) _bpfwd_reply 10m; return ;;
	--budget|--user-budget|--min-budget|--slack|--period|--since|-d|--delay|-n|--top) return ;;
	--listen|-l) _bpfwd_reply 127.0.0.1:19612 none; return ;;
	esac
	if [[ -z $command ]]; then
		if [[ $cur == -* ]]; then
			_bpfwd_reply "$(_bpfwd_options "$tool")"
		else
			_bpfwd_reply "$(_bpfwd_commands "$tool")"
		fi
	elif [[ $command == @(ps|top) && $prev == @(-e|--emit|-s|--sort|-f|--filter) ]]; then
		columns=$(_bpfwd_columns "$tool")
		sign=${cur%"${cur##*[,+]}"} cur=${cur##*[,+]}
		[[ $prev != @(-s|--sort) ]] || columns+=" ${columns//$'\n'/- }-"
		_bpfwd_reply "$columns"
		COMPREPLY=("${COMPREPLY[@]/#/$sign}")
		compopt -o nospace
	elif [[ $cur == -* ]]; then
		_bpfwd_reply "$(_bpfwd_options "$tool" "$command")"
	else
		case $command in
		policy)
			if [[ $prev == policy ]]; then
				_bpfwd_reply check load show diff unload keep observe
			else
				compopt -o default
			fi ;;
		ps|top|set|kill) _bpfwd_reply id name tag pinned "$(_bpfwd_programs "$tool" id,name)" ;;
		*) compopt -o default ;;
		esac
	fi
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}
complete -F _bpfwd bpfwd
