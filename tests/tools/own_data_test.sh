#!/usr/bin/env bash
# A user's own data, from files to predictions: particles and graphs, in the forms they come in, and what is refused.
train=$PWD/$1 evaluate=$PWD/$2 generate=$PWD/$3
. tests/tools/testing.sh

untimed() { sed 's/,"seconds":[^,}]*//' "$1"; } # of metrics: all but the time they took
shape_of() { head -n 1 "$1" | grep -aoP "'shape': \(\K[^)]*"; } # of a .npy file

echo "--- particles: files give what the simulator's own data gives"
steps=(--set train.steps=12 --set train.batch=10 --set train.samples=2 --set evaluation.every=2
  --set evaluation.samples=2 --set evaluation.test_samples=4)
particles() { "$train" --preset particles "${small_model[@]}" "${steps[@]}" "$@"; }
"$generate" nbody --train 30 --valid 10 --test 12 --output files >out 2>err
"$train" --preset nbody "${small_model[@]}" "${steps[@]}" --set data.train=30 --set data.valid=10 --set data.test=12 \
  --set run.directory=simulated >simulated.out 2>err || fail "training on simulated particles"
particles --set data.path=files --set run.directory=read >read.out 2>err || fail "training on files of particles"
cmp simulated.out read.out
cmp <(untimed simulated/metrics.jsonl) <(untimed read/metrics.jsonl)
cmp <(tensors_of simulated/last.safetensors) <(tensors_of read/last.safetensors)
grep -q "trajectories of 5 particles in 3 dimensions: 30 to train, 10 to valid, 12 to test" read/log.txt || fail "what was found is not told"
grep -q "^data.particles: 5 " read/config.yaml || fail "what was found is not kept"

echo "--- particles: predictions for new data without targets"
mkdir new
cp files/{loc30,vel30,charges}_test.npy new
"$evaluate" read --data new --export new.npy >out 2>err || fail "evaluation of new data"
[ "$(shape_of new.npy)" = "12,5,3," ] || fail "predictions of shape $(shape_of new.npy)"
! grep -q "^test mse" out || fail "a metric without targets"
"$evaluate" read --export known.npy >out 2>err || fail "evaluation"
cmp new.npy known.npy
refuses "data.path has to name the folder" particles
refuses "cannot list" particles --set data.path=nowhere --set run.directory=none
refuses "has neither loc_train*.npy nor loc30_train*.npy" particles --set data.path=new --set run.directory=none
cp files/{loc30,vel30,charges}_train.npy new
refuses "has no frame 40 of the split train" particles --set data.path=new --set run.directory=none
"$generate" nbody --particles 4 --train 3 --valid 2 --test 2 --output four >out 2>err
refuses "have 4 where data.particles is 5" "$evaluate" read --data four
refuses "are for the task particles" "$evaluate" simulated --data new
[ ! -e none/config.yaml ] || fail "a refused run leaves a config behind"

echo "--- graphs: a TUDataset of paths and stars, with CRLF lines"
# FOLDER FIRST LAST: numbers FIRST to LAST; even ones are paths of class -1, odd ones stars of class 7.
tu_dataset() {
  mkdir "$1"
  awk -v first="$2" -v last="$3" -v name="$1/X_" 'BEGIN {
    for (g = first; g <= last; ++g) {
      for (i = 1; i <= 5; ++i) {
        printf "%d\r\n", g - first + 1 > name "graph_indicator.txt"
        printf "%d\r\n", (i + g) % 3 > name "node_labels.txt"
        a = g % 2 ? 1 : i - 1
        if (i > 1) printf "%d, %d\r\n%d, %d\r\n", n + a, n + i, n + i, n + a > name "A.txt"
      }
      n += 5
      printf "%d\r\n", g % 2 ? 7 : -1 > name "graph_labels.txt"
    }
  }'
}
graphs() {
  "$train" --preset graphs --set train.epochs=60 --set train.batch=8 --set train.samples=2 --set evaluation.samples=2 \
    --set train.learning_rate=1e-2 --set evaluation.every=20 --set model.gin_id.hidden=16 \
    --set model.network.hidden=16 --set log.every=1000 "$@"
}
tu_dataset tu 1 40
graphs --set data.path=tu --set run.directory=tu_run >out 2>err || fail "training on a TUDataset"
[ "$(cat out)" = "test accuracy 100" ] || fail "paths and stars are told apart by $(cat out)"
grep -q "40 graphs of 5 to 5 nodes, 5 on average; 320 edges, each both ways; nodes of 3 kinds; classes -1 (20), 7 (20): 32 to train, 4 to valid, 4 to test" \
  tu_run/log.txt || fail "what was found is not told"
grep -qF "data.classes: [-1, 7]" tu_run/config.yaml || fail "what was found is not kept"
tu_dataset tu_new 41 47
rm tu_new/X_graph_labels.txt
"$evaluate" tu_run --data tu_new --export graphs.npy >out 2>err || fail "evaluation of new graphs"
[ "$(shape_of graphs.npy)" = "7,2," ] || fail "predictions of shape $(shape_of graphs.npy)"
grep -qF "predictions [graph, 2]: logits of the classes [-1, 7]" out || fail "what is predicted is not told"
# Little-endian floats, of which the second one is larger for stars, the graphs with odd numbers.
od -An -t f4 -v -w8 -j 128 graphs.npy | awk '{ if (($2 > $1) != NR % 2) wrong = 1 } END { exit wrong || NR != 7 }' ||
  fail "predictions $(od -An -t f4 -v -w8 -j 128 graphs.npy)"
for change in "s/^1, 2/1, 6/:X_A.txt:1: an edge from node 1 of graph 1 to node 6 of graph 2" \
  "s/^1, 2/1, 201/:X_A.txt:1: an edge from node 1 to 201"; do
  rm -rf wrong
  cp -r tu wrong
  sed -i "1${change%%:*}" wrong/X_A.txt
  refuses "${change#*:}" graphs --set data.path=wrong --set run.directory=none
done
sed -i '$d' wrong/X_graph_labels.txt
cp tu/X_A.txt wrong
refuses "X_graph_labels.txt: 39 lines for 40 graphs" graphs --set data.path=wrong --set run.directory=none
refuses "has no classes of its graphs" graphs --set data.path=tu_new --set run.directory=none
sed -i '1s/./9/' tu_new/X_node_labels.txt
refuses "graph 0 has a node of kind 9" "$evaluate" tu_run --data tu_new

echo "--- graphs: a folder of files with values and splits, and every base and distribution"
mkdir folder
for i in 0 1 2 3 4 5; do
  printf '0 1\n1 2\nlabel 0 %s\n' "$i" >folder/$i.edges
  echo "$i.edges,$i.5,-$i" >>folder/labels.csv
  case $i in 4) split=valid ;; 5) split=test ;; *) split=train ;; esac
  echo "$i.edges,$split" >>folder/splits.csv
done
folder() {
  "$train" --preset graphs --set data.path=folder --set data.target=values --set train.epochs=2 --set train.batch=3 \
    --set train.accumulate=2 --set train.samples=2 --set model.gin_id.hidden=8 --set 'model.mlp.widths=[8]' \
    --set model.network.hidden=8 "$@"
}
for distribution in learned haar frame minimal_frame; do
  for base in gin_id mlp; do
    folder --set model.base=$base --set model.distribution=$distribution --set run.directory=$base-$distribution >out 2>err ||
      fail "$base, $distribution"
    grep -qE '^test mae [0-9.e+-]+$' out || fail "$base, $distribution: $(cat out)"
  done
done
folder --set model.base=gcn --set run.directory=gcn >out 2>err || fail "gcn"
folder --set model.distribution=canonical --set train.samples=1 --set evaluation.samples=1 \
  --set evaluation.test_samples=1 --set run.directory=canonical >out 2>err || fail "canonical"
grep -q "values of a graph: 2: 4 to train, 1 to valid, 1 to test" gcn/log.txt || fail "the splits are not those of splits.csv"
sed -i 's/^3.edges,.*/3.edges,one,2/' folder/labels.csv
refuses "labels.csv:4: 'one' is no number" folder --set run.directory=none
[ ! -e none/config.yaml ] || fail "a refused run leaves a config behind"
echo "all held"
