#!/usr/bin/env bash
# Starts the gateway once, has a client speak with it, and has the JVM write down what it loaded, linked and compiled: a JDK AOT cache.
# Needs an empty database, which QUARKUS_DATASOURCE_JDBC_URL, _USERNAME and _PASSWORD name; Kafka counts as away.
#   train-aot.sh JAR CACHE
# The cache fits this JAR at this path, this JVM, and the flags below; with others the JVM goes without it.
set -eu

jar=$1
cache=$2
port=${TRAIN_PORT:-8080}
management=${TRAIN_MANAGEMENT_PORT:-9000}
[ -n "${QUARKUS_DATASOURCE_JDBC_URL:-}" ] ||
  { echo "train-aot: QUARKUS_DATASOURCE_JDBC_URL has to name an empty PostgreSQL database" >&2; exit 1; }

# The messages of the training have no route: they would wait for Kafka.
export QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT="$port" \
  QUARKUS_MANAGEMENT_HOST=127.0.0.1 QUARKUS_MANAGEMENT_PORT="$management" QUARKUS_LOG_CONSOLE_LEVEL=ERROR \
  KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1 SLUICE_ACCESS_METHODS=anonymous SLUICE_ACCESS_AUTHORIZATION=off \
  SLUICE_UPLINK_UNMATCHED=drop SLUICE_UPLINK_ROUTES_TRAINING_FILTER='training/#' SLUICE_UPLINK_ROUTES_TRAINING_KAFKA_TOPIC=training

# HTTP/1.0: the answer ends with the connection.
get() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
  cat <&3 >/dev/null
  exec 3>&-
}

# An MQTT packet from its first byte and what comes behind its length, as printf takes them, in a WebSocket frame whose mask is 0; both are
# shorter than 126 bytes.
packet() {
  local length
  length=$(printf "$2" | wc -c)
  printf "\\x82\\x$(printf %02x $((length + 2 + 128)))\0\0\0\0$1\\x$(printf %02x "$length")$2" >&3
}

# A client with a stored session and a will, whose own messages come back to it. Connect Flags: with the will and with or without Clean Start.
mqtt() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' >&3
  printf 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n' >&3
  packet '\x10' "\0\4MQTT\5\\x$1\0\x3c\5\x11\0\0\0\x3c\0\3aot\0\0\1w\0\1x"  # CONNECT
  packet '\x82' '\0\1\0\0\1t\2\0\1w\1\0\x0a$share/g/s\1'                     # SUBSCRIBE
  sleep 0.3
  packet '\x30' '\0\1t\0x'                                                   # PUBLISH, QoS 0
  packet '\x33' '\0\1t\0\1\0x'                                               # QoS 1, RETAIN
  packet '\x34' '\0\1t\0\2\0x'                                               # QoS 2
  packet '\x32' '\0\1s\0\3\0x'
  sleep 0.7
  packet '\x62' '\0\2'                                                       # PUBREL
  packet '\x40' '\0\2'                                                       # PUBACK
  packet '\x50' '\0\3'                                                       # PUBREC
  sleep 0.3
  packet '\x70' '\0\3'                                                       # PUBCOMP
  packet '\xc0' ''                                                           # PINGREQ
  packet '\xa2' '\0\4\0\0\1w'                                                # UNSUBSCRIBE
  packet '\xe0' '\4'                                                         # DISCONNECT with the will; then the gateway closes the socket
  cat <&3 >/dev/null
  exec 3>&-
}

rm -f "$cache"
java -XX:+UseCompactObjectHeaders -XX:AOTCacheOutput="$cache" -Xlog:aot=error -jar "$jar" &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true' EXIT
until get "$management" /q/health/live 2>/dev/null; do
  kill -0 "$gateway" 2>/dev/null || { echo "train-aot: the gateway ended before it was up" >&2; exit 1; }
  sleep 0.2
done
mqtt 06
mqtt 04
for path in health/ready metrics openapi; do get "$management" "/q/$path"; done
for path in routes sessions nodes; do get "$port" "/admin/$path"; done
# The cache is written while the JVM ends; a JVM that was told to end by SIGTERM says 143.
kill -TERM "$gateway"
status=0
wait "$gateway" || status=$?
[ "$status" -eq 143 ] || { echo "train-aot: the gateway ended with status $status" >&2; exit 1; }
[ -s "$cache" ] || { echo "train-aot: the JVM wrote no cache" >&2; exit 1; }
