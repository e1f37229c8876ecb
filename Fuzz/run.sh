#!/bin/sh
# Fuzzes the decoders of VE.Direct and of MasterBus, the page's side of HTTP, the validator of MQTT, and the readers
# of files.
#
#   Fuzz/run.sh              60 seconds of libFuzzer for each, then 100 million bytes, 50 million
#                            frames and a million packets through libmosquitto at full speed
#   Fuzz/run.sh 600          that many seconds
#   Fuzz/run.sh 1000000 runs that many inputs
#   Fuzz/run.sh storm 20000000
#                            only at full speed, that many bytes
#
# Then damaged histories, zone files, imports and configurations, which StateStorm SEED HISTORIES makes.
#
# What libFuzzer keeps stays in .build/corpus, so that the next run goes on from there; an input that fails is written
# to .build/found and named at the end.
set -eu
cd "$(dirname "$0")"
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_leaks=0

amount=${1:-60}
storm=100000000
if [ "$amount" = storm ]; then
    storm=${2:-$storm}
else
    case "$amount" in
        '' | *[!0-9]*) echo "usage: $0 [SECONDS | N runs | storm BYTES]" >&2; exit 2 ;;
    esac
fi

swift build -c release --product Storm
swift build -c release --product BusStorm
swift build -c release --package-path .. --product MQTTStorm
swift build -c release --product StateStorm
if [ "$amount" != storm ]; then
    # A build folder of its own: everything in it is built for the fuzzer.
    swift build -c release --product FuzzDecoder --scratch-path .build/fuzzer \
        -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link,address
    swift build -c release --product FuzzMasterBus --scratch-path .build/fuzzer \
        -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link,address
    # It looks into the page's handlers, which are not public.
    swift build -c release --product FuzzHTTP --scratch-path .build/fuzzer-http -Xswiftc -enable-testing \
        -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link,address
    swift build -c release --product FuzzMQTT --scratch-path .build/fuzzer \
        -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link,address
    mkdir -p .build/corpus .build/corpus-masterbus .build/corpus-http .build/corpus-mqtt .build/found
    .build/release/Storm --seeds .build/corpus
    number=0
    for path in / /healthz /metrics /api/v1/now /api/v1/log?level=info /api/v1/days/2026-11-23 /api/v1/events; do
        number=$((number + 1))
        printf 'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD / HTTP/1.1\r\nHost: [::1]:80\r\n%s\r\n\r\n' \
            "$path" 'Authorization: Basic eDp5' >".build/corpus-http/seed-$number"
    done
    if [ "${2:-}" = runs ]; then limit="-runs=$amount"; else limit="-max_total_time=$amount"; fi
    .build/fuzzer/release/FuzzDecoder "$limit" -max_len=4096 -rss_limit_mb=1024 -dict=vedirect.dict \
        -artifact_prefix=.build/found/ -print_final_stats=1 .build/corpus
    .build/fuzzer/release/FuzzMasterBus "$limit" -max_len=4096 -rss_limit_mb=1024 -dict=masterbus.dict \
        -artifact_prefix=.build/found/masterbus- -print_final_stats=1 .build/corpus-masterbus
    .build/fuzzer-http/release/FuzzHTTP "$limit" -max_len=4096 -rss_limit_mb=1024 -dict=http.dict \
        -artifact_prefix=.build/found/http- -print_final_stats=1 .build/corpus-http
    .build/fuzzer/release/FuzzMQTT "$limit" -max_len=4096 -rss_limit_mb=1024 -dict=mqtt.dict \
        -artifact_prefix=.build/found/mqtt- -print_final_stats=1 .build/corpus-mqtt
fi
.build/release/Storm "$storm"
.build/release/BusStorm
../.build/release/MQTTStorm
# 1000 histories, 20000 zone files, lines of imports and configurations, by a seed.
.build/release/StateStorm 1 1000
