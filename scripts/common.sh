# What scripts/run, scripts/test and scripts/bench share. Sourced, not run.

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The Swift toolchain.
need_swift() {
  command -v swift >/dev/null 2>&1 ||
    fail "The Swift toolchain is missing. Install Swift 6.3 from https://www.swift.org/install/linux/ and run this again."
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -1)
  set -- $version
  { [ "${1:-0}" -gt 6 ] || { [ "${1:-0}" -eq 6 ] && [ "${2:-0}" -ge 1 ]; }; } ||
    fail "Swift 6.1 or newer is needed (6.3 is what this is built with); this is $(swift --version 2>/dev/null | head -1)."
}

# Debian packages that are missing, installed; through sudo where this is not root.
need_packages() {
  command -v dpkg-query >/dev/null 2>&1 || fail "This needs Debian 12: dpkg is missing."
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      fail "These packages are missing: ${missing[*]}. Install them as root (apt-get install ${missing[*]}) and run this again."
    sudo=(sudo)
  fi
  say "Installing ${missing[*]} …"
  local log
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -3 "$log" >&2
    rm -f "$log"
    fail "The packages ${missing[*]} could not be installed. Check the network and run this again."
  fi
  rm -f "$log"
  # Debian starts a broker of its own on the usual port as soon as it is installed; ours is started on purpose,
  # with its own configuration. One that somebody had before is left alone.
  case " ${missing[*]} " in *" mosquitto "*)
    if command -v systemctl >/dev/null 2>&1 && systemctl is-active -q mosquitto 2>/dev/null; then
      "${sudo[@]}" systemctl disable --now -q mosquitto 2>/dev/null || true
    elif [ -x /etc/init.d/mosquitto ]; then
      "${sudo[@]}" /etc/init.d/mosquitto stop >/dev/null 2>&1 || true
    fi ;;
  esac
}

packages=(libmosquitto-dev libsqlite3-dev mosquitto mosquitto-clients zlib1g-dev pkg-config)

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Writes the broker's configuration for another data folder and port: config/mosquitto.conf with those replaced.
broker_configuration() { # data-folder port
  sed -e "s|^listener .*|listener $2 127.0.0.1|" -e "s|var/mosquitto|$1/mosquitto|g" "$root/config/mosquitto.conf"
  # As root Mosquitto would give up its rights and then not read files that only root may read.
  [ "$(id -u)" -ne 0 ] || echo "user root"
}

# Waits until the command succeeds; at most that many tenths of a second.
wait_for() { # tenths command...
  local tenths=$1 i
  shift
  for ((i = 0; i < tenths; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  return 1
}
