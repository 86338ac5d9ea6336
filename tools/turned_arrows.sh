#!/bin/sh
# Shows that lint fails when an arrow of the house turns: plants an import that is
# not allowed in each room of a copy of HEAD, and wants every one of them reported.
set -eu
root=$(git rev-parse --show-toplevel)
copy=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$copy/tree"; rm -rf "$copy"' EXIT
git -C "$root" worktree add --quiet --detach "$copy/tree" HEAD
cd "$copy/tree"

planted=0
plant() { # plant FOLDER IMPORT: a file that imports what its room must not
	package=$(sed -n 's/^package //p' "$(find "$1" -maxdepth 1 -name '*.go' ! -name '*_test.go' | sort | head -n 1)" | head -n 1)
	file="$1/turned_$planted.go"
	printf 'package %s\n\nimport _ "%s"\n' "$package" "$2" > "$file"
	planted=$((planted + 1))
	echo "$file $2" >> "$copy/planted"
}

plant app/training polylens/web
plant web polylens/app/judge
plant web polylens/trainer
plant web database/sql
plant web polylens/indexer/catalog/database
plant web polylens/encoder
plant indexer/catalog polylens/indexer/metadata
plant indexer/catalog database/sql
plant indexer/jobs database/sql
plant indexer polylens/encoder
plant indexer polylens/search/milvus
plant search polylens/encoder
plant search polylens/indexer/source
plant search github.com/milvus-io/milvus-sdk-go/v2/client
plant trainer polylens/search
plant trainer polylens/indexer/catalog/database
plant encoder polylens/indexer/catalog
plant encoder github.com/yalue/onnxruntime_go
plant internal/lock polylens/indexer/catalog

"$root/bin/golangci-lint" run --allow-parallel-runners --enable-only depguard > "$copy/report" 2>&1 || true
failed=0
while read -r file import; do
	if ! grep -q "^$file:.*$import" "$copy/report"; then
		echo "not reported: $import in $file"
		failed=1
	fi
done < "$copy/planted"
[ "$failed" = 0 ] && echo "arrows: $planted turned ones planted, all reported"
exit "$failed"
