# What runs on a bastion, in POSIX sh. The console sends it on standard input as one compound command, so that half of
# it does nothing, with assignments before it: tuiops_id, tuiops_timeout and tuiops_grace (whole seconds), tuiops_mode
# (keep, split, stream or none), tuiops_inner (what turns into the command), tuiops_input, the function tuiops_export,
# tuiops_place (what .origin must hold, or else nothing is begun or said; empty: whatever it is), and `set --` with the
# words of the command. After it comes tuiops_origin, _begin, _follow, _find, _abort or _settle.
#
# It speaks to the console in lines on standard error that begin with `tuiops:`; bytes that such a line announces come
# on standard output.
#
# ~/.local/state/tuiops/executions/.origin   names this folder among those of all machines and users
# ~/.local/state/tuiops/executions/ID/   mkdir of it is the claim
#   watch     this file and its settings, as the runner reads it; no secret is in it
#   runner    process that watches the command      go        mkdir of it begins the command, or else bars it
#   command   process of the command                status    exit status
#   grace     seconds that it has when it is told to end
#   aborted, expired   mkdir: why it was ended      left      what would not end
#   out.N.BYTES.LINES, err.N.BYTES.LINES   output in pieces, those in the middle removed; *.done when it is over
#   barred    instead of all of these: it was kept from beginning
#   settled   its outcome is in the ledger

tuiops_umask=${tuiops_umask:-$(umask)}
umask 077
tuiops_base=${XDG_STATE_HOME:-$HOME/.local/state}/tuiops/executions
tuiops_here=$tuiops_base/$tuiops_id

tuiops_say() { printf 'tuiops:%s\n' "$*" >&2; }

tuiops_nap() { sleep 0.1 2>/dev/null || sleep 1; }

# Nothing of the login's environment but what every command gets.
tuiops_cleanse() {
  for tuiops_name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $tuiops_name in
      HOME | PATH | USER | LOGNAME | SHELL | LANG | LANGUAGE | TZ | TMPDIR | LC_* | XDG_* | PWD | SHLVL | _) ;;
      *) command unset "$tuiops_name" 2>/dev/null ;;
    esac
  done
}

# Whether this is the folder that the execution belongs to: the same address may lead elsewhere the next time.
tuiops_known() {
  [ -n "$tuiops_place" ] || return 0
  { read -r tuiops_found <"$tuiops_base/.origin"; } 2>/dev/null && [ "$tuiops_found" = "$tuiops_place" ]
}

# Say what names this folder; made up when first asked for, whole or not at all.
tuiops_origin() {
  mkdir -p "$tuiops_base" 2>/dev/null
  if [ ! -e "$tuiops_base/.origin" ]; then
    tuiops_found=$(od -A n -N 8 -t x1 /dev/urandom | tr -d ' \n')
    tuiops_file=$tuiops_base/.origin.$tuiops_found
    [ -n "$tuiops_found" ] && printf '%s\n' "$tuiops_found" 2>/dev/null >"$tuiops_file" &&
      ln "$tuiops_file" "$tuiops_base/.origin" 2>/dev/null
    rm -f "$tuiops_file"
    sync "$tuiops_base/.origin" "$tuiops_base" 2>/dev/null || sync
  fi
  if { read -r tuiops_found <"$tuiops_base/.origin"; } 2>/dev/null; then
    tuiops_say "origin $tuiops_found"
    tuiops_say ended
  else
    tuiops_say "failed $tuiops_base/.origin cannot be written"
  fi
}

# Claim the execution, begin it in a session of its own, follow it.
tuiops_begin() {
  tuiops_known || { tuiops_say "failed it is another machine, user or folder by now"; return; }
  (PATH=${tuiops_path:-$PATH} && command -v "$1") >/dev/null 2>&1 || { tuiops_say absent; return; }
  mkdir -p "$tuiops_base" 2>/dev/null
  if ! mkdir "$tuiops_here" 2>/dev/null; then
    if [ -e "$tuiops_here/barred" ]; then
      tuiops_say none
    elif [ -d "$tuiops_here" ]; then
      tuiops_say taken
    else
      tuiops_say "failed $tuiops_here cannot be made"
    fi
    return
  fi
  sync "$tuiops_here" "$tuiops_base" 2>/dev/null || sync
  tuiops_say claimed
  echo "$tuiops_grace" >"$tuiops_here/grace"
  if printf '%s\n' '{' "$tuiops_settings" "tuiops_umask=$tuiops_umask" "$tuiops_library" 'shift; tuiops_run "$@"' '}' \
    2>/dev/null >"$tuiops_here/watch"; then
    # The input passes through a pipe: it is in no file and in no list of words.
    if [ "$tuiops_mode" = stream ]; then
      printf %s "$tuiops_input" | tuiops_launch "$@" 2>/dev/null &
    else
      printf %s "$tuiops_input" | tuiops_launch "$@" >/dev/null 2>&1 &
    fi
    tuiops_input=
    tuiops_follow
  else
    mkdir "$tuiops_here/go" && : >"$tuiops_here/barred"
    tuiops_say "failed $tuiops_here cannot be written"
  fi
}

tuiops_launch() {
  tuiops_cleanse
  tuiops_export
  tuiops_away
  exec $tuiops_away sh "$tuiops_here/watch" "tuiops:$tuiops_id:" "$@"
}

# What begins a program in a session of its own, if there is such a thing.
tuiops_away() {
  tuiops_away=
  if command -v setsid >/dev/null 2>&1; then tuiops_away=setsid; else trap '' HUP; fi
}

# The runner: begins the command unless somebody has barred it, waits for its end and writes down its status.
tuiops_run() {
  cd "$HOME" 2>/dev/null || cd /
  tuiops_away
  echo $$ >"$tuiops_here/runner.new" && mv "$tuiops_here/runner.new" "$tuiops_here/runner" || return
  mkdir "$tuiops_here/go" 2>/dev/null || return
  # Not as a redirection of the function: shells keep what they redirect open, and the link would stay open with it.
  (exec </dev/null >/dev/null 2>&1 && tuiops_watchdog) &
  case $tuiops_mode in
    keep) tuiops_carry_out "$@" 2>&1 | tuiops_pump out ;;
    split) { tuiops_carry_out "$@" 2>&3 3>&- | tuiops_pump out 3>&-; } 3>&1 | tuiops_pump err ;;
    stream) tuiops_carry_out "$@" 2>&1 | { cat 2>/dev/null; exec cat >/dev/null; } ;;
    *) tuiops_carry_out "$@" >/dev/null 2>&1 ;;
  esac
}

tuiops_carry_out() {
  # Shells say on standard error that a signal ended a command; that is not the command's own word.
  (
    exec 5>&2 2>/dev/null
    (umask "$tuiops_umask" && exec $tuiops_away sh -c "$tuiops_inner" "$tuiops_here" "$@" 2>&5 5>&-)
    exit $?
  )
  echo $? >"$tuiops_here/status.new" && mv "$tuiops_here/status.new" "$tuiops_here/status"
}

# Keep what is printed in pieces: the first one and the last three. What a full disk does not take is lost.
tuiops_pump() {
  tuiops_n=0 tuiops_bytes=0 tuiops_lines=0
  while :; do
    tuiops_file=$tuiops_here/$1.$tuiops_n.$tuiops_bytes.$tuiops_lines
    dd bs=4096 count=64 of="$tuiops_file" 2>/dev/null
    set -- "$1" $(wc -lc <"$tuiops_file" 2>/dev/null)
    [ "${3:-0}" -gt 0 ] || { rm -f "$tuiops_file"; break; }
    tuiops_lines=$((tuiops_lines + $2)) tuiops_bytes=$((tuiops_bytes + $3)) tuiops_n=$((tuiops_n + 1))
    [ "$tuiops_n" -gt 4 ] && rm -f "$tuiops_here/$1.$((tuiops_n - 4))".*
  done
  : >"$tuiops_here/$1.done"
  # There is more when the disk was full: a pipe that nobody reads would end the command.
  exec cat >/dev/null
}

tuiops_watchdog() {
  tuiops_left=$tuiops_timeout
  while [ "$tuiops_left" -gt 0 ]; do
    sleep 1
    [ -e "$tuiops_here/status" ] && return
    tuiops_left=$((tuiops_left - 1))
  done
  mkdir "$tuiops_here/expired" 2>/dev/null && tuiops_end
}

# Whether the runner lives. Its own words have the id in them, so that no other process is taken for it.
tuiops_watched() {
  { read -r tuiops_pid <"$tuiops_here/runner"; } 2>/dev/null || return 1
  if [ -r "/proc/$tuiops_pid/cmdline" ]; then
    tr '\0' '\n' <"/proc/$tuiops_pid/cmdline" 2>/dev/null | grep -q -x -F "tuiops:$tuiops_id:"
  elif [ -d /proc/self ]; then
    return 1
  else
    ps -o args= -p "$tuiops_pid" 2>/dev/null | grep -q -F "tuiops:$tuiops_id:"
  fi
}

# Whether all is said that will ever be said.
tuiops_final() {
  if [ -d "$tuiops_here/aborted" ] || [ -d "$tuiops_here/expired" ]; then
    [ -e "$tuiops_here/left" ]
  else
    [ -e "$tuiops_here/status" ]
  fi
}

# Lines `PID PARENT SESSION STATE NAME`, for every process that can be seen.
tuiops_table() {
  if [ -r /proc/self/stat ]; then
    cat /proc/[0-9]*/stat 2>/dev/null |
      sed -n 's/^\([0-9]*\) (\(.*\)) \(.\) \([0-9]*\) [0-9-]* \([0-9-]*\) .*/\1 \4 \5 \3 \2/p'
  else
    ps -A -o pid= -o ppid= -o pgid= -o state= -o comm=
  fi
}

# Processes that have the id in their environment.
tuiops_marked() {
  [ -r /proc/self/environ ] || return
  # A grep that reads only up to the first NUL is no help: look at every process then.
  if printf 'a\0b\n' | grep -q -F b; then
    set -- $(grep -l -F "TUIOPS_EXECUTION_ID=$tuiops_id" /proc/[0-9]*/environ 2>/dev/null)
  else
    set -- /proc/[0-9]*/environ
  fi
  for tuiops_file; do
    if tr '\0' '\n' <"$tuiops_file" 2>/dev/null | grep -q -x -F "TUIOPS_EXECUTION_ID=$tuiops_id"; then
      tuiops_file=${tuiops_file#/proc/}
      echo "${tuiops_file%/environ}"
    fi
  done 2>/dev/null
}

# Lines `PID STATE NAME` of the command, its session, whatever is marked, and the descendants of all of these.
# While the runner waits for the command, its process ID cannot belong to another one.
tuiops_tree() {
  tuiops_root=0
  if tuiops_watched && [ ! -e "$tuiops_here/status" ]; then
    { read -r tuiops_root <"$tuiops_here/command"; } 2>/dev/null || tuiops_root=0
  fi
  { tuiops_marked | sed 's/^/m /'; tuiops_table | sed 's/^/p /'; } | awk -v root="$tuiops_root" '
    $1 == "m" { wanted[$2] = 1; next }
    { parent[$2] = $3; session[$2] = $4; state[$2] = $5; name[$2] = $6 }
    END {
      if (root > 1) wanted[root] = 1
      do {
        more = 0
        for (pid in parent)
          if (!(pid in wanted) && ((parent[pid] in wanted) || (root > 1 && session[pid] == root))) {
            wanted[pid] = 1
            more = 1
          }
      } while (more)
      for (pid in wanted) if ((pid in state) && state[pid] != "Z" && state[pid] != "X") print pid, state[pid], name[pid]
    }'
}

# Ask everything to end, end it after the grace, write down what is left.
tuiops_end() {
  { read -r tuiops_grace <"$tuiops_here/grace"; } 2>/dev/null
  tuiops_asked=' ' tuiops_turn=0
  tuiops_until=$(($(date +%s) + tuiops_grace))
  while :; do
    tuiops_found=$(tuiops_tree)
    tuiops_now=$(date +%s)
    [ -n "$tuiops_found" ] && [ "$tuiops_now" -lt $((tuiops_until + 4)) ] || break
    for tuiops_one in $(echo "$tuiops_found" | sed 's/ .*//'); do
      if [ "$tuiops_now" -ge "$tuiops_until" ] && [ "$tuiops_turn" -gt 0 ]; then
        kill -KILL "$tuiops_one" 2>/dev/null
      else
        case $tuiops_asked in
          *" $tuiops_one "*) ;;
          *)
            # A stopped process hears only once it goes on.
            kill -TERM "$tuiops_one" 2>/dev/null
            kill -CONT "$tuiops_one" 2>/dev/null
            tuiops_asked="$tuiops_asked$tuiops_one "
            ;;
        esac
      fi
    done
    tuiops_turn=$((tuiops_turn + 1))
    tuiops_nap
  done
  if [ "$tuiops_asked" = ' ' ]; then
    # It was over before anything was asked to end; then its status says how.
    tuiops_turn=0
    while tuiops_watched && [ ! -e "$tuiops_here/status" ] && [ "$tuiops_turn" -lt 20 ]; do
      tuiops_turn=$((tuiops_turn + 1))
      tuiops_nap
    done
    if [ -e "$tuiops_here/status" ] && [ ! -e "$tuiops_here/left" ]; then
      rmdir "$tuiops_here/aborted" "$tuiops_here/expired" 2>/dev/null
      return
    fi
  fi
  printf '%s\n' "$tuiops_found" >"$tuiops_here/left.new" && mv "$tuiops_here/left.new" "$tuiops_here/left"
}

# The first piece of a stream whose number is at least so much: tuiops_best, and its file.
tuiops_next() {
  tuiops_best=
  for tuiops_file in "$tuiops_here/$1".*.*.*; do
    [ -e "$tuiops_file" ] || continue
    tuiops_number=${tuiops_file#"$tuiops_here/$1."}
    tuiops_number=${tuiops_number%%.*}
    [ "$tuiops_number" -ge "$2" ] || continue
    [ -n "$tuiops_best" ] && [ "$tuiops_number" -gt "$tuiops_best" ] && continue
    tuiops_best=$tuiops_number tuiops_best_file=$tuiops_file
  done
  [ -n "$tuiops_best" ]
}

# Send what is new of a stream.
tuiops_send() {
  eval "tuiops_n=\$tuiops_n_$1 tuiops_at=\$tuiops_at_$1"
  while tuiops_next "$1" "$tuiops_n"; do
    [ "$tuiops_best" = "$tuiops_n" ] || tuiops_at=0
    tuiops_n=$tuiops_best
    # By a name of our own it stays until it is sent, even if it is removed meanwhile.
    tuiops_link=$tuiops_here/.reading.$$
    { tuiops_count=$(wc -c <"$tuiops_best_file"); } 2>/dev/null || tuiops_count=0
    tuiops_count=$((tuiops_count - tuiops_at))
    if [ "$tuiops_count" -gt 0 ] && ln "$tuiops_best_file" "$tuiops_link" 2>/dev/null; then
      tuiops_say "data $1 ${tuiops_best_file#"$tuiops_here/$1."} $tuiops_at $tuiops_count"
      tail -c +$((tuiops_at + 1)) "$tuiops_link" | head -c "$tuiops_count"
      tuiops_at=$((tuiops_at + tuiops_count))
      rm -f "$tuiops_link"
    fi
    tuiops_next "$1" $((tuiops_n + 1)) || break
    tuiops_n=$tuiops_best tuiops_at=0
  done
  eval "tuiops_n_$1=\$tuiops_n tuiops_at_$1=\$tuiops_at"
}

# Send output as it comes, and how it ended.
tuiops_follow() {
  tuiops_known || { tuiops_say elsewhere; return; }
  tuiops_n_out=0 tuiops_at_out=0 tuiops_n_err=0 tuiops_at_err=0 tuiops_over= tuiops_look=0
  while :; do
    if tuiops_final; then
      # What was printed last may still be on its way to the disk; what was left running may print for ever.
      tuiops_turn=0
      while [ "$tuiops_turn" -lt 10 ] && ! tuiops_done; do
        tuiops_turn=$((tuiops_turn + 1))
        tuiops_nap
      done
      tuiops_over=1
    elif [ "$tuiops_look" -le 0 ]; then
      # Not at every turn: it takes two processes.
      tuiops_look=10
      ! tuiops_watched && ! tuiops_final && tuiops_gone && tuiops_over=1
    fi
    tuiops_look=$((tuiops_look - 1))
    tuiops_send out
    tuiops_send err
    [ -n "$tuiops_over" ] && break
    tuiops_nap
  done
  tuiops_report
}

tuiops_done() {
  case $tuiops_mode in
    keep) [ -e "$tuiops_here/out.done" ] ;;
    split) [ -e "$tuiops_here/out.done" ] && [ -e "$tuiops_here/err.done" ] ;;
    *) return 0 ;;
  esac
}

# Whether nobody watches it nor will: a runner that is just starting is waited for, or else kept from beginning.
tuiops_gone() {
  tuiops_turn=0
  while [ ! -e "$tuiops_here/runner" ] && [ "$tuiops_turn" -lt 50 ]; do
    [ -e "$tuiops_here/barred" ] && return
    tuiops_turn=$((tuiops_turn + 1))
    tuiops_nap
  done
  tuiops_watched && return 1
  # Whoever ends it writes down what is left only when the runner is long done.
  tuiops_turn=0
  while { [ -d "$tuiops_here/aborted" ] || [ -d "$tuiops_here/expired" ]; } && [ ! -e "$tuiops_here/left" ]; do
    { read -r tuiops_grace <"$tuiops_here/grace"; } 2>/dev/null
    [ "$tuiops_turn" -lt $((10 * (tuiops_grace + 5))) ] || break
    tuiops_turn=$((tuiops_turn + 1))
    tuiops_nap
  done
  if mkdir "$tuiops_here/go" 2>/dev/null; then
    : >"$tuiops_here/barred"
    return
  fi
  ! tuiops_watched && ! tuiops_final
}

tuiops_report() {
  if [ -e "$tuiops_here/barred" ]; then
    tuiops_say none
  elif tuiops_final; then
    [ -d "$tuiops_here/expired" ] && tuiops_say expired
    [ -d "$tuiops_here/aborted" ] && tuiops_say aborted
    [ -e "$tuiops_here/status" ] && { read -r tuiops_status <"$tuiops_here/status"; tuiops_say "status $tuiops_status"; }
    if [ -e "$tuiops_here/left" ]; then tuiops_found=$(cat "$tuiops_here/left"); else tuiops_found=$(tuiops_tree); fi
    tuiops_list
    tuiops_say ended
  elif tuiops_watched; then
    tuiops_say running
  elif tuiops_final; then
    tuiops_report
  else
    tuiops_found=$(tuiops_tree)
    tuiops_list
    tuiops_say unknown
  fi
}

tuiops_list() {
  printf '%s\n' "$tuiops_found" | while read -r tuiops_line; do
    [ -n "$tuiops_line" ] && tuiops_say "left $tuiops_line"
  done
}

# What became of it; one that nobody has claimed is claimed, so that it cannot begin any more.
tuiops_find() {
  tuiops_known || { tuiops_say elsewhere; return; }
  mkdir -p "$tuiops_base" 2>/dev/null
  if mkdir "$tuiops_here" 2>/dev/null; then
    mkdir "$tuiops_here/go" && : >"$tuiops_here/barred"
    sync "$tuiops_here" "$tuiops_base" 2>/dev/null || sync
  elif [ ! -d "$tuiops_here" ]; then
    tuiops_say "failed $tuiops_here cannot be made"
    return
  fi
  if tuiops_final || { ! tuiops_watched && tuiops_gone; }; then
    tuiops_n_out=0 tuiops_at_out=0 tuiops_n_err=0 tuiops_at_err=0
    tuiops_send out
    tuiops_send err
  fi
  tuiops_report
}

tuiops_abort() {
  tuiops_known || { tuiops_say elsewhere; return; }
  if tuiops_final; then
    :
  elif tuiops_watched; then
    mkdir "$tuiops_here/aborted" 2>/dev/null && tuiops_end
    # Somebody else, or its own watchdog, may be ending it.
    tuiops_turn=0
    while ! tuiops_final && [ "$tuiops_turn" -lt $((10 * (tuiops_grace + 10))) ]; do
      tuiops_turn=$((tuiops_turn + 1))
      tuiops_nap
    done
  elif [ -d "$tuiops_here" ] && tuiops_gone && [ ! -e "$tuiops_here/barred" ]; then
    tuiops_end
    # How it ended is known only when somebody had begun to end it before.
    [ -d "$tuiops_here/aborted" ] || [ -d "$tuiops_here/expired" ] || rm -f "$tuiops_here/left"
  fi
  tuiops_find
}

# The ledger has it: what it printed may go, and after a month the rest.
tuiops_settle() {
  if tuiops_known && [ -d "$tuiops_here" ]; then
    : >"$tuiops_here/settled"
    rm -f "$tuiops_here"/out.* "$tuiops_here"/err.*
  fi
  find "$tuiops_base" -name settled -mtime +30 2>/dev/null | while IFS= read -r tuiops_file; do
    rm -rf "${tuiops_file%/settled}"
  done
  tuiops_say ended
}
