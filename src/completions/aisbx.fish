# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for aisbx(1)

function __aisbx_profiles
    printf '%s\n' agent base build default node python shell
    set -l config $XDG_CONFIG_HOME
    test -n "$config"; or set config $HOME/.config
    for file in $config/aisbx/profiles/*.yaml /etc/aisbx/profiles/*.yaml
        string replace -r '.*/(.*)\.yaml$' '$1' -- $file
    end
end

set -l commands run show why check learn doctor help
set -l run '__fish_seen_subcommand_from run show why'
set -l any '__fish_seen_subcommand_from run show why learn'

complete -c aisbx -f
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a run -d 'Run a command or code in a box'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a show -d 'Show every grant as run would apply it'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a why -d 'Say what allows or refuses one thing'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a check -d 'Validate profiles'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a learn -d 'Propose the smallest profile for a command'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a doctor -d 'What this host can enforce, and what to do'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -a help -d 'Describe a command'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version'
complete -c aisbx -n "not __fish_seen_subcommand_from $commands" -s h -l help -d 'Print an overview'
complete -c aisbx -n '__fish_seen_subcommand_from check' -F
complete -c aisbx -n '__fish_seen_subcommand_from doctor' -l json -d 'Write JSON'
complete -c aisbx -n '__fish_seen_subcommand_from help' -a 'run show why check learn doctor'

complete -c aisbx -n $any -a '(__fish_complete_subcommand --fcs-skip=2 -o --output --update -p --profile -c --script --result --published --description --extends --interpreter --ro --rw --hide --tmpfs --protect --exec -e --env -C --chdir --allow-host --allow-private-host -P --publish --http --secret --registry --binding -m --memory --cpu -t --timeout --grace --processes --tmp-size --file-size --disk --max-output --keep --open-files --cpus --io-weight --allow-syscall --deny-syscall --allow-degraded --max-input --input-encoding --input-check --audit)'
complete -c aisbx -n $any -s p -l profile -rf -a '(__aisbx_profiles; __fish_complete_suffix .yaml)' -d 'Profile to use'
complete -c aisbx -n $run -s c -x -d 'Run TEXT with the interpreter'
complete -c aisbx -n $run -l script -rF -d 'Run the code in FILE with the interpreter'
complete -c aisbx -n $run -l result -rF -d 'Write how the run ended as one JSON object'
complete -c aisbx -n $run -l published -rF -d 'Write the published ports as one JSON object'
complete -c aisbx -n $run -l json -d 'Write JSON'
complete -c aisbx -n '__fish_seen_subcommand_from why' -l path -rF -d 'Whether the box can read it'
complete -c aisbx -n '__fish_seen_subcommand_from why' -l write -d 'Whether it can write it'
complete -c aisbx -n '__fish_seen_subcommand_from why' -l host -x -a '(__fish_print_hostnames)' -d 'Whether it can connect to it'
complete -c aisbx -n '__fish_seen_subcommand_from why' -l syscall -x -d 'Whether it can make the call'
complete -c aisbx -n '__fish_seen_subcommand_from run' -l timing -d 'Say what each step took'
complete -c aisbx -n $any -s q -l quiet -d 'No messages but errors'
complete -c aisbx -n $any -s v -l verbose -d 'Say what is done'
complete -c aisbx -n $run -l description -x -d 'What the profile is for'
complete -c aisbx -n $run -l extends -x -a '(__aisbx_profiles)' -d 'Take the grants of a profile too'
complete -c aisbx -n $run -l interpreter -x -a '(__fish_complete_command)' -d 'Word of the program that code is given to'
complete -c aisbx -n $any -l ro -rF -d 'Show a file or directory read-only'
complete -c aisbx -n $any -l rw -rF -d 'Show a file or directory, writable'
complete -c aisbx -n $any -l hide -rF -d 'Leave a path out below a grant'
complete -c aisbx -n $run -l tmpfs -x -a '(__fish_complete_directories)' -d 'A private empty directory in memory'
complete -c aisbx -n $run -l protect -x -d 'Name that is neither changed nor created'
complete -c aisbx -n $run -l exec -x -a '(__fish_complete_command)' -d 'Program that may be executed'
complete -c aisbx -n $any -s e -l env -x -a '(set -xn)' -d 'Pass or set a variable'
complete -c aisbx -n $run -s C -l chdir -x -a '(__fish_complete_directories)' -d 'Directory to start in'
complete -c aisbx -n $any -l allow-host -x -a '(__fish_print_hostnames)' -d 'Host that may be connected to'
complete -c aisbx -n $any -l allow-private-host -x -a '(__fish_print_hostnames)' -d 'The same, also at a private address'
complete -c aisbx -n $run -s P -l publish -x -d 'Let a port of this machine lead into the box'
complete -c aisbx -n $run -l http -x -d 'Request that a host may be sent'
complete -c aisbx -n $run -l secret -x -d 'Secret that requests to a host are given outside'
complete -c aisbx -n $run -l registry -x -a 'npm pip cargo go maven apt' -d 'Grant the hosts that the configuration of a tool names'
complete -c aisbx -n $run -l binding -x -d 'Program of this machine that the box may call'
complete -c aisbx -n $any -s m -l memory -x -d 'Memory'
complete -c aisbx -n $any -l cpu -x -d 'Processor time'
complete -c aisbx -n $any -s t -l timeout -x -d 'Time until the box is ended'
complete -c aisbx -n $any -l grace -x -d 'Time between the polite signal and the kill'
complete -c aisbx -n $any -l processes -x -d 'Processes and threads at once'
complete -c aisbx -n $any -l tmp-size -x -d 'All private files in memory together'
complete -c aisbx -n $any -l file-size -x -d 'Largest file that may be written'
complete -c aisbx -n $run -l disk -x -d 'All that is written to write grants'
complete -c aisbx -n $any -l max-output -x -d 'stdout and stderr together'
complete -c aisbx -n $any -l keep -x -a 'head tail head,tail' -d 'What of longer output is kept'
complete -c aisbx -n $any -l open-files -x -d 'Open descriptors of one process'
complete -c aisbx -n $any -l cpus -x -d 'Processors that the box may keep busy at once'
complete -c aisbx -n $any -l io-weight -x -d 'Share of a busy disk'
complete -c aisbx -n $run -l allow-syscall -x -a '@debug' -d 'System call or set on top of the default ones'
complete -c aisbx -n $run -l deny-syscall -x -a '@aio @event @file @file-change @identity @io @ipc @memory @network @process @random @sandbox @scheduling @signal @sync @time' -d 'System call or set to refuse'
complete -c aisbx -n $any -l allow-degraded -x -a 'cgroup proc idmap keyring landlock limits limits.cpus limits.io_weight limits.disk' -d 'Go without a wall that this host lacks'
complete -c aisbx -n $run -l max-input -x -d 'Longest code that is taken'
complete -c aisbx -n $run -l input-encoding -x -a 'utf-8 any' -d 'What bytes code may have'
complete -c aisbx -n $run -l input-check -x -a '(__fish_complete_command)' -d 'Word of a program that accepts code first'
complete -c aisbx -n $run -l audit -rF -a journal -d 'Append JSON lines about the run'
complete -c aisbx -n $run -l explain-missing -d 'Name what a grant would bring into the box'
complete -c aisbx -n '__fish_seen_subcommand_from learn' -s o -l output -rF -d 'Write the proposal to FILE'
complete -c aisbx -n '__fish_seen_subcommand_from learn' -l update -rf -a '(__aisbx_profiles; __fish_complete_suffix .yaml)' -d 'Show what a profile lacks'
