# The demonstration street: who lives there, who helps, what they permit, and what happens. Sourced by scripts/run,
# which has started the broker and the gateway and set: caring, data, port, started.

logins() { printf '%s' "$data/demo/logins.jsonl"; }
ask() { "$caring" "$@" --data "$data"; }
# One value of a line of JSON whose values are plain texts.
value() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
password_of() { grep "\"login\":\"$1\"" "$(logins)" | tail -1 | value password; }

add() { # keeps what is printed only this once
  ask "$@" --json >>"$(logins)"
}

make_street() {
  touch "$(logins)"
  chmod 600 "$(logins)"
  if ask home list --json | grep -q '"home":"oak-1"'; then
    [ -n "$(password_of oak-1)" ] || fail "The street is there but its logins are gone. Remove the folder $data and run this again."
    return 0
  fi
  say "Setting up Oak Street …"
  ask circle add oak-street --title "Oak Street" >/dev/null
  add home add oak-1 --circle oak-street --address "1 Oak Street" --at 51.4800,-0.1900
  add home add oak-2 --circle oak-street --address "2 Oak Street" --at 51.4801,-0.1902
  ask citizen add ada --home oak-1 --name "Ada Brown" >/dev/null
  ask citizen add bert --home oak-2 --name "Bert Lane" >/dev/null
  add helper add maria --name "Maria Lopez" --circle oak-street --at 51.4803,-0.1901
  add helper add tom --name "Tom Field" --circle oak-street --at 51.4820,-0.1910
  add coordinator add carla --name "Carla Stone"

  local device
  for device in "zigbee2mqtt/SOS button" "zigbee2mqtt/Hall smoke detector" "zigbee2mqtt/Kitchen climate" "zigbee2mqtt/Front door" \
    "senml/bedroom-radar" motion/hallway motion/kitchen motion/bathroom motion/bedroom vitals/heart-rate; do
    ask device claim "$device" --as ada >/dev/null
    ask device claim "$device" --as bert >/dev/null
  done
  # Ada wants her street to come; where she lives they learn when somebody has said that they go.
  ask consent grant --as ada --to circle:oak-street --about safety --purpose emergency-response >/dev/null
  ask consent grant --as ada --to circle:oak-street --about identity --purpose emergency-response --stage accepted >/dev/null
  # Bert wants nobody to know anything.
  ask consent refuse --as bert --to anyone --about everything --about identity >/dev/null
}

publish() { # who topic payload
  mosquitto_pub -h 127.0.0.1 -p "$port" -V mqttv5 -u "$1" -P "$(password_of "$1")" -q 1 -t "$2" -m "$3"
}
listen() { # who file: everything that this person's client is shown
  mosquitto_sub -h 127.0.0.1 -p "$port" -V mqttv5 -u "$1" -P "$(password_of "$1")" -q 1 -t "helpers/$1/alerts/#" -F '%t %p' >"$2" 2>>"$data/demo/clients.log" &
  started+=($!)
}
event() { "$caring" simulate --mqtt "127.0.0.1:$port" --logins "$(logins)" --event "$1" --home "$2" >/dev/null; }

# --- without a person

expect() { # what tenths command...
  local what=$1
  shift
  wait_for "$@" || fail "The check failed: $what"
  say "  ✓ $what"
}
has() { grep -q -- "$2" "$1"; }
no() { ! "$@"; }

check_street() {
  local ada_alert bert_alert shown=$data/demo
  for person in maria tom carla; do listen "$person" "$shown/$person"; done
  sleep 0.5

  say "Ada presses her SOS button."
  event sos oak-1
  expect "Maria, whom Ada permits, is asked over MQTT" 150 has "$shown/maria" '"stage":"asked"'
  expect "and is not told the address yet" 1 no has "$shown/maria" "1 Oak Street"
  ada_alert=$(value alert <"$shown/maria" | tail -1)
  publish maria helpers/maria/answers "{\"alert\": \"$ada_alert\", \"answer\": \"accept\", \"note\": \"coming\"}"
  expect "Maria accepts and learns where to go" 100 has "$shown/maria" '"stage":"accepted".*' 
  expect "with name and address, as Ada permits" 1 has "$shown/maria" "Ada Brown, 1 Oak Street"
  expect "Tom is stood down: what he was shown is taken away" 100 has "$shown/tom" "^helpers/tom/alerts/$ada_alert $"
  publish maria helpers/maria/answers "{\"alert\": \"$ada_alert\", \"answer\": \"arrive\"}"
  expect "Maria arrives" 100 has "$shown/maria" '"stage":"attending"'
  publish maria helpers/maria/answers "{\"alert\": \"$ada_alert\", \"answer\": \"resolve\", \"note\": \"a cup of tea\"}"
  expect "and closes it" 100 eval 'ask alert list --all --json --as ada | grep "\"alert\":\"'"$ada_alert"'\"" | grep -q "\"ended\":\"resolved\""'
  expect "Ada can ask why, and who saw what" 1 eval 'ask why '"$ada_alert"' --as ada | grep -q "consent" && ask who-saw --as ada | grep -q "Maria Lopez has read your name and address"'

  say "Bert, who refused, presses his."
  wc -l <"$shown/maria" >"$shown/maria.before"
  wc -l <"$shown/tom" >"$shown/tom.before"
  event sos oak-2
  expect "the alert is there" 150 eval 'ask alert list --json --as bert | grep -q "\"uncovered\":true"'
  bert_alert=$(ask alert list --json --as bert | value alert | tail -1)
  expect "Carla, the coordinator, learns that an alert in Oak Street is uncovered" 150 has "$shown/carla" "An alert in Oak Street is uncovered"
  sleep 1
  expect "and nothing more" 1 no eval 'grep "'"$bert_alert"'" "$data/demo/carla" | grep -qiE "bert|lane|2 oak|oak-2|sos|\"kind\"|\"severity\"|\"category\"|\"since\""'
  expect "no helper learned anything" 1 eval '[ "$(wc -l <"$data/demo/maria")" = "$(cat "$data/demo/maria.before")" ] && [ "$(wc -l <"$data/demo/tom")" = "$(cat "$data/demo/tom.before")" ]'
  expect "and Bert can ask why" 1 eval 'ask why '"$bert_alert"' --as bert | grep -q "refuses it"'
}

# --- with a person

watch() { # who title
  # Not a pipe: the id that is kept has to be the client's, which is what is ended.
  "$caring" alert watch --as "$1" --data "$data" 2>/dev/null > >(sed -u "s/^/  [$2] /") &
  started+=($!)
}
phone() { # who title: what their client shows, as the one sentence that it is
  mosquitto_sub -h 127.0.0.1 -p "$port" -V mqttv5 -u "$1" -P "$(password_of "$1")" -q 1 -t "helpers/$1/alerts/#" 2>/dev/null \
    > >(sed -u -n "s/^{\"alert\":\"[^\"]*\",\"say\":\"\([^\"]*\)\",.*/  [$2's phone] \1/p") &
  started+=($!)
}

show_street() {
  phone maria Maria
  phone carla Carla
  watch ada "Ada sees"
  watch carla "Carla sees"
  "$caring" simulate --mqtt "127.0.0.1:$port" --logins "$(logins)" --every 5s >/dev/null 2>>"$data/demo/clients.log" &
  started+=($!)
  sleep 1
  say ""
  say "Ada (oak-1) permits Oak Street's helpers to come; Bert (oak-2) refuses everything:"
  ask consent list --as ada | sed 's/^/  /'
  ask consent list --as bert | sed 's/^/  /'
  say ""
  say "Ada presses her SOS button."
  event sos oak-1
  sleep 3
  local alert
  alert=$(ask alert list --json --as ada | value alert | tail -1)
  [ -z "$alert" ] || {
    say "Maria answers from her phone."
    publish maria helpers/maria/answers "{\"alert\": \"$alert\", \"answer\": \"accept\"}"
    sleep 3
    publish maria helpers/maria/answers "{\"alert\": \"$alert\", \"answer\": \"arrive\"}"
    sleep 2
    publish maria helpers/maria/answers "{\"alert\": \"$alert\", \"answer\": \"resolve\", \"note\": \"She had slipped; we had tea.\"}"
    sleep 1
  }
  say ""
  say "Bert presses his. He refused, so no helper is asked; Carla learns that an alert is uncovered."
  event sos oak-2
  sleep 3
  say ""
  say "Now you, in another terminal:"
  local prefix=.build/release/caring
  local folder=""
  [ "$data" = var ] || folder=" --data $data"
  cat <<TEXT
  $prefix status$folder
  $prefix why ${alert:-a1} --as ada$folder
  $prefix who-saw --as ada$folder
  $prefix alert list --as carla$folder
  $prefix consent list --as ada$folder
  $prefix reading list --as ada --quantity heart_rate$folder
  $prefix simulate --mqtt 127.0.0.1:$port --logins $(logins) --event smoke --home oak-1
  $prefix alert accept ALERT --as tom$folder
  $prefix consent withdraw c1 --as ada$folder
Ctrl-C stops everything. What was stored stays in $data/.
TEXT
  # In the background, because a shell that waits for a command in front hears signals only after it.
  sleep infinity &
  started+=($!)
  wait $!
}
