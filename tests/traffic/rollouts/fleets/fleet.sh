#!/bin/sh
# A fleet on loopback, as an operator would write it: what was made for a token is answered again, and what is gone already may
# be terminated once more. Its state is in the folder of this file; `endpoints` says where its instances will serve.
set -eu
cd "$(dirname "$0")"

if [ "$CUTOVER_ACTION" = terminate ]; then
    for name in $CUTOVER_HOSTS; do
        echo "$name" >> terminate-asked
    done
    while [ -e hold-terminate ]; do sleep 0.02; done
    exec 9> lock
    flock 9
    for name in $CUTOVER_HOSTS; do
        [ -e "$name.pid" ] || continue
        kill "$(cat "$name.pid")"
        rm "$name.pid"
        echo "$name" >> terminated
    done
    exit 0
fi

cat > "asked-$CUTOVER_TOKEN.json"
echo "$CUTOVER_TOKEN" >> provision-asked
exec 9> lock
flock 9
if [ ! -e "names-$CUTOVER_TOKEN" ]; then
    made=$(cat made 2> /dev/null || echo 0)
    n=0
    while [ $n -lt "$CUTOVER_COUNT" ]; do
        n=$((n + 1))
        echo "f-$((made + n))"
    done > names.new
    echo $((made + n)) > made
    mv names.new "names-$CUTOVER_TOKEN"
fi
separator=''
{
    printf '{"hosts": ['
    while read -r name; do
        host="../lab/hosts/$name"
        if [ ! -e "$name.pid" ]; then
            mkdir -p "$host/root"
            cutover agent --name "$name" --listen 127.0.0.1:0 --root "$host/agent" --install-root "$host/root" \
                --ready-file "$host/ready" --config /dev/null < /dev/null > "$host/agent.log" 2>&1 9>&- &
            echo $! > "$name.pid"
            echo "$name" >> started
        fi
        until [ -s "$host/ready" ]; do sleep 0.02; done
        endpoint=$(sed -n "s/^$name //p" endpoints)
        printf '%s{"name": "%s", "address": "%s", "tags": {"role": "web"}, "endpoints": {"web": "%s"}}' \
            "$separator" "$name" "$(cat "$host/ready")" "$endpoint"
        separator=', '
    done < "names-$CUTOVER_TOKEN"
    printf ']}\n'
} > "answer-$CUTOVER_TOKEN"
while [ -e hold-provision ]; do sleep 0.02; done
cat "answer-$CUTOVER_TOKEN"
