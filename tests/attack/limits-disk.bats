#!/usr/bin/env bats
# limits.disk holds for all that a box writes to its grants together, however it writes.
# The programs: limits-disk.py.
load ../lib/common

setup_more() {
	need python3 jq
	HOGS=$BATS_TEST_DIRNAME/limits-disk.py
	mkdir w
	[ "$(stat -f -c %T w)" != tmpfs ] || skip "the tests' directory is in memory"
}

hog() { # NAME MIB OPTION...
	local name=$1 mib=$2
	shift 2
	rm -rf w
	mkdir w
	BOUND=60 run aisbx run --ro "$HOGS" --rw w -C w --result r.json --processes 64 -m none \
		--file-size 4G --tmp-size 1G -t none --cpu none "$@" -- python3 -I "$HOGS" "$name" "$mib"
}

outcome() {
	jq -r .outcome r.json
}

held() { # NAME [MIB]: ended at 16M; below its limit done, and the count is true
	local bytes
	hog "$1" "${2:-2048}" --disk 16M
	status_is 137
	output_is ""
	contains "$stderr" "aisbx: disk limit of 16M reached: the box was ended"
	[ "$(outcome)" = disk_limit ]
	[ "$(jq .disk_bytes r.json)" -gt $((16 << 20)) ]
	[ "$(du -sm w | cut -f1)" -le $(($(jq .disk_bytes r.json) / (1 << 20) + 1)) ]
	hog "$1" 32 --disk 1G
	output_is done
	status_is 0
	[ "$(outcome)" = exited ]
	bytes=$(jq .disk_bytes r.json)
	[ "$bytes" -ge $((32 << 20)) ]
	[ "$bytes" -le $((33 << 20)) ]
}

@test "one file" {
	held one
}

@test "many files" {
	held many_files
}

@test "children that were waited for" {
	held children
}

@test "processes beside each other" {
	held many
}

@test "daemons" {
	held daemons
}

@test "a thread of a process whose first one has ended" {
	held threads
}

@test "files that are deleted" {
	held deleted
}

@test "the same place again and again" {
	held again
}

@test "mapped files" {
	held mapped
}

@test "past the page cache" {
	held direct
}

@test "bytes that no write(2) carries" {
	held sent
	held spliced
}

@test "sparse files: what is written counts, in pages" {
	held sparse
}

@test "room cannot be had without writing" {
	held preallocated
	hog preallocated 32 --disk none
	contains "$stderr" AssertionError # as everywhere else it can
}

@test "children that nobody waits for" {
	hog unwaited 64 --disk 16M
	[ "$(outcome)" = disk_limit ]
	hog unwaited 4 --disk 1G
	output_is done
}

@test "children that have ended and were not waited for: counted, and once" {
	hog ended 48 --disk 16M
	[ "$(outcome)" = disk_limit ]
	hog ended 10 --disk 16M
	output_is done
	[ "$(jq .disk_bytes r.json)" -lt $((11 << 20)) ]
}

@test "what is not written to a disk is no reason to end a box" {
	hog elsewhere 64 --disk 1M
	output_is done
	status_is 0
	[ "$(jq .disk_bytes r.json)" -le $((1 << 20)) ]
}

@test "files.protect: what init opens for the box counts" {
	mkdir -p w/.git
	run aisbx run -p agent -C w --rw w --disk 4M --file-size 4G --result r.json -- dd if=/dev/zero of=big bs=1M count=2048
	status_is 137
	[ "$(outcome)" = disk_limit ]
	run aisbx run -p agent -C w --rw w --disk 64M --result r.json -- dd if=/dev/zero of=big bs=1M count=8
	status_is 0
	[ "$(jq '.disk_bytes >= 8388608 and .disk_bytes < 9437184' r.json)" = true ]
}

@test "what runs on when the command has ended is ended, and counted" {
	run aisbx run --rw w -C w --disk 1G --result r.json -- sh -c '
		setsid sh -c "trap \"\" HUP TERM; head -c 8M /dev/zero >b; touch ready; sleep 60" &
		while [ ! -e ready ]; do sleep 0.01; done'
	status_is 0
	[ "$(jq '.disk_bytes >= 8388608 and .disk_bytes < 9437184' r.json)" = true ]
}

@test "a run that is over before it is looked at has passed the limit all the same" {
	local size
	for size in 64K 1M 3M; do
		rm -rf w
		mkdir w
		run aisbx run --rw w -C w --disk 16K --result r.json -- sh -c "head -c $size /dev/zero >b; exit 0"
		status_is 137
		contains "$stderr" "aisbx: disk limit of 16K reached"
		[ "$(jq -r .outcome r.json)" = disk_limit ]
	done
	run aisbx run --rw w -C w --disk 1M --result r.json -- sh -c 'head -c 512K /dev/zero >b'
	status_is 0
	[ "$(jq -r .outcome r.json)" = exited ]
}

# Some kernels show their counts to no ordinary user when they have ended; init has them.
@test "children that nobody waited for, each too short to be seen" {
	run aisbx run --rw w -C w --disk 8M --result r.json -- python3 -c '
import os, time
for i in range(40):
    if os.fork() == 0:
        os.setsid()
        open(str(i), "wb").write(bytes(1 << 20))
        os._exit(0)
time.sleep(1)'
	status_is 137
	[ "$(jq -r .outcome r.json)" = disk_limit ]
}

@test "each end has a true count" {
	run aisbx run --rw w -C w --disk 1G -t "${AISBX_TEST_PATIENCE}s" --grace 100ms --result r.json -- sh -c 'head -c 8M /dev/zero >b; exec sleep 60'
	status_is 124
	# Past the wall limit there is no time to wait for a slow host: then it is not known.
	[ "$(jq '.disk_bytes == null or (.disk_bytes >= 8388608 and .disk_bytes < 9437184)' r.json)" = true ]
	run aisbx run --rw w -C w --disk 1G --max-output 100 --result r.json -- sh -c 'head -c 8M /dev/zero >b; exec yes'
	[ "$(outcome)" = output_limit ]
	[ "$(jq '.disk_bytes >= 8388608 and .disk_bytes < 9437184' r.json)" = true ]
	run aisbx run --rw w -C w --disk 1G --result r.json -- sh -c 'head -c 8M /dev/zero >b; kill -9 $$'
	[ "$(outcome)" = signaled ]
	[ "$(jq '.disk_bytes >= 8388608 and .disk_bytes < 9437184' r.json)" = true ]
}

@test "a command that nobody may look at, under init's name, writes no further" {
	cat >hidden.py <<-'E'
		import ctypes, os, time
		libc = ctypes.CDLL(None)
		libc.prctl(15, b"aisbx", 0, 0, 0)
		libc.prctl(4, 0, 0, 0, 0) # PR_SET_DUMPABLE
		file = os.open("w/b", os.O_CREAT | os.O_WRONLY)
		for _ in range(400):
		    os.write(file, b"x" * (1 << 20))
		    os.fsync(file)
		    time.sleep(0.05)
	E
	BOUND=60 run aisbx run --ro hidden.py --rw w --disk 4M --file-size 1G -- python3 -I hidden.py
	status_is 137
	[ "$(stat -c %s w/b)" -lt $((24 << 20)) ]
}

# Of an ordinary user's, when root owns the program.
@test "a program that may be executed and not read ends the box, with a word" {
	need_root
	local dir
	unreadable sleep
	run as_user timeout 60 "$AISBX" run --ro "$dir" --disk 1M -- "$dir/sleep" 20
	status_is 137
	contains "$stderr" "aisbx: the box was ended: something in it cannot be looked at"
	run as_user timeout 60 "$AISBX" run --ro "$dir" -- "$dir/sleep" 0.5
	status_is 0
	cd "$T"
	rm -rf "$dir"
}
