# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for aisbx(1)

_aisbx_profiles() {
	local dir file

	printf '%s\n' agent base build default node python shell
	for dir in "${XDG_CONFIG_HOME:-$HOME/.config}/aisbx/profiles" /etc/aisbx/profiles; do
		for file in "$dir"/*.yaml; do
			[[ -e $file ]] || continue
			file=${file##*/}
			printf '%s\n' "${file%.yaml}"
		done
	done
}

_aisbx_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_aisbx_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_aisbx_directories() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -d -- "$cur")
}

# The value of option $1. Fails for an option without one.
_aisbx_value() {
	case $1 in
	-p | --profile | --extends | --update)
		mapfile -t COMPREPLY < <(
			compgen -W "$(_aisbx_profiles)" -- "$cur"
			compgen -f -X '!*.@(yaml|yml|json)' -- "$cur"
		)
		;;
	--script | -o | --output | --result | --published | --path | --ro | --rw | --hide) _aisbx_files ;;
	--audit)
		_aisbx_files
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W journal -- "$cur")
		;;
	-C | --chdir | --tmpfs) _aisbx_directories ;;
	-e | --env) mapfile -t COMPREPLY < <(compgen -v -- "$cur") ;;
	--allow-host | --allow-private-host | --host)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
		;;
	--exec | --interpreter | --input-check)
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		;;
	--allow-degraded) _aisbx_words "cgroup proc idmap keyring landlock limits limits.cpus limits.io_weight limits.disk" ;;
	--registry) _aisbx_words "npm pip cargo go maven apt" ;;
	--allow-syscall) _aisbx_words "@debug" ;;
	--deny-syscall)
		_aisbx_words "@aio @event @file @file-change @identity @io @ipc @memory @network
			@process @random @sandbox @scheduling @signal @sync @time"
		;;
	--input-encoding) _aisbx_words "utf-8 any" ;;
	--keep) _aisbx_words "head tail head,tail" ;;
	-c | --description | --protect | -P | --publish | --binding | -m | --memory | --cpu | -t | --timeout | \
		--grace | --processes | --tmp-size | --file-size | --disk | --max-output | --open-files | --cpus | --io-weight | \
		--max-input | --syscall)
		COMPREPLY=()
		;;
	*) return 1 ;;
	esac
}

# Index of the first word that is no option of run, show or learn, or of what follows --.
_aisbx_command_at() {
	local i=2 word

	while ((i < cword)); do
		word=${words[i]}
		case $word in
		--) echo $((i + 1)) && return ;;
		--json | --timing | --write | --explain-missing | -q | --quiet | -v | --verbose | --*=* | -[!-]?*) ((i++)) ;;
		-?*) ((i += 2)) ;;
		*) echo "$i" && return ;;
		esac
	done
	echo "$i"
}

_aisbx() {
	local cur words cword at
	local options="-p --profile -c --script --result --json -q --quiet -v --verbose
		--description --extends --interpreter --ro --rw --hide --tmpfs --protect --exec
		-e --env -C --chdir --allow-host --allow-private-host -P --publish --http --secret --registry --binding --published
		-m --memory
		--cpu -t --timeout --grace --processes --tmp-size --file-size --disk --max-output
		--keep --open-files --cpus --io-weight --allow-syscall --deny-syscall --allow-degraded --max-input
		--input-encoding --input-check --audit --explain-missing"

	COMPREPLY=()
	if declare -F _get_comp_words_by_ref >/dev/null; then
		_get_comp_words_by_ref -n := cur words cword
	else
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
	fi
	if ((cword == 1)); then
		_aisbx_words "run show why check learn doctor help --version --help"
		return
	fi
	case ${words[1]} in
	check) _aisbx_files ;;
	doctor) _aisbx_words "--json" ;;
	help) _aisbx_words "run show why check learn doctor" ;;
	run | show | why | learn)
		[[ ${words[1]} == run ]] && options+=" --timing"
		[[ ${words[1]} == why ]] && options+=" --path --write --host --syscall"
		[[ ${words[1]} != learn ]] || options="-o --output --update -p --profile -q --quiet
			-v --verbose --ro --rw --hide -e --env --allow-host --allow-private-host -m --memory
			--cpu -t --timeout --grace --processes --tmp-size --file-size --max-output
			--keep --open-files --cpus --io-weight --allow-degraded"
		at=$(_aisbx_command_at)
		if ((at < cword)); then
			_aisbx_files
		elif ((at > cword)); then
			_aisbx_value "${words[cword - 1]}"
		elif [[ $cur == -* && ${words[cword - 1]} != -- ]]; then
			_aisbx_words "$options"
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		fi
		;;
	esac
}

complete -F _aisbx aisbx
