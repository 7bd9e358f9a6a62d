#!/usr/bin/env bash
# The programs as their users call them: train, stop, resume, evaluate, export, generate, and what they refuse.
train=$PWD/$1 evaluate=$PWD/$2 generate=$PWD/$3 separate=$PWD/$4 bench=$PWD/$5 study=$PWD/$6 table=$PWD/$7
. tests/tools/testing.sh

small=("${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=2 --set evaluation.every=2 --set evaluation.samples=2 --set evaluation.test_samples=4)
run() { "$train" "${small[@]}" --set train.steps=40 "$@"; }

echo "--- a run from beginning to end"
run --set run.directory=whole >whole.out 2>whole.err
tail -n 1 whole.out | grep -qE '^test mse [0-9.e+-]+$' || fail "the last line is $(tail -n 1 whole.out)"
for file in config.yaml metrics.jsonl last.safetensors best.safetensors log.txt curves.svg; do
  [ -s "whole/$file" ] || fail "the run directory lacks $file"
done
ls whole/events.out.tfevents.* >/dev/null
BUILD_WORKING_DIRECTORY=$work/elsewhere run --set run.directory=relative >/dev/null 2>&1
[ -s elsewhere/relative/config.yaml ] || fail "relative paths are not the user's"

echo "--- the same seed gives the same bits, on any number of threads"
run --threads 1 --set run.directory=one >one.out 2>/dev/null
run --threads 2 --set run.directory=two >two.out 2>/dev/null
cmp one.out two.out
cmp one.out whole.out
cmp <(tensors_of one/last.safetensors) <(tensors_of two/last.safetensors)
run --seed 7 --set run.directory=seven >seven.out 2>/dev/null
! cmp -s seven.out whole.out || fail "another seed gives the same"

echo "--- the same bits where layers are computed again; nearly the same in micro-batches; a precision that the run keeps"
run --set train.checkpoint=true --set run.directory=checkpointed >checkpointed.out 2>/dev/null
cmp checkpointed.out whole.out
cmp <(tensors_of checkpointed/last.safetensors) <(tensors_of whole/last.safetensors)
run --set train.accumulate=3 --set run.directory=accumulated >accumulated.out 2>/dev/null
! cmp -s accumulated.out whole.out || fail "micro-batches leave BatchNorm its statistics of the batch"
awk '{ print $3 }' whole.out accumulated.out | paste - - | awk '{ exit !(($1 - $2) ^ 2 < (0.2 * $1) ^ 2) }' ||
  fail "in micro-batches: $(cat accumulated.out)"
refuses "micro-batches of a batch of 20" run --set train.accumulate=21 --set run.directory=none
run --precision bf16 --set train.steps=2 --set run.directory=rounded >/dev/null 2>&1
"$train" --resume rounded --set train.steps=4 >/dev/null 2>&1
grep -q "^train.precision: bf16 " rounded/config.yaml || fail "a run forgets its precision"

echo "--- stopped and resumed, or killed and resumed: the bits of a run that never was"
stopped=0
for signal in INT TERM HUP USR1 USR2 KILL; do
  "$train" "${small[@]}" --set train.steps=40 --set run.directory="$signal" >"$signal.out" 2>"$signal.err" &
  process=$!
  for _ in $(seq 600); do
    [ ! -s "$signal/last.safetensors" ] || break
    sleep 0.05
  done
  kill -s "$signal" "$process" 2>/dev/null || true
  status=0
  wait "$process" || status=$?
  if [ "$status" != 0 ]; then # it may have been faster
    ((++stopped))
    [ "$status" = $((128 + $(kill -l "$signal"))) ] || fail "SIG$signal gives status $status"
    again=$(sed -n 's/.*go on with: //p' "$signal.err")
    [ "$signal" != KILL ] || again="$train --resume $signal"
    eval "$again" >"$signal.out" 2>"$signal.err" || fail "SIG$signal: the way to go on, '$again', does not work"
  fi
  cmp whole.out "$signal.out"
  cmp <(tensors_of whole/last.safetensors) <(tensors_of "$signal/last.safetensors")
  [ "$(grep -o '"step":[0-9]*,"valid' "$signal/metrics.jsonl" | sort | uniq -d | wc -l)" = 0 ] || fail "steps came twice"
done
[ "$stopped" -ge 3 ] || fail "of six signals $stopped stopped training"

echo "--- stopped in the test, which is done again; and while data are made, when there is nothing to save"
long_test=(--set train.steps=6 --set evaluation.test_samples=30000)
"$train" "${small[@]}" "${long_test[@]}" --set run.directory=tested >tested.out 2>tested.err &
process=$!
for _ in $(seq 1200); do
  ! grep -qs '"step":6,"valid' tested/metrics.jsonl || break
  sleep 0.05
done
kill -USR1 $process
status=0
wait $process || status=$?
[ $status = 138 ] || fail "SIGUSR1 in the test gives status $status"
grep -q "stopped .*after step 6 of 6; go on with: .* --resume" tested.err || fail "no word on how to go on: $(cat tested.err)"
! grep -q '"test' tested/metrics.jsonl || fail "a test that was stopped has a result"
"$train" "${small[@]}" --set train.steps=6 --set run.directory=tested_once >tested_once.out 2>/dev/null
"$train" --resume tested --set evaluation.test_samples=4 2>/dev/null | cmp - tested_once.out
cmp <(tensors_of tested_once/last.safetensors) <(tensors_of tested/last.safetensors)
for signal in TERM HUP USR1; do
  "$train" "${small[@]}" --threads 1 --set train.steps=40 --set data.train=10000 --set run.directory=unmade >out 2>err &
  process=$!
  sleep 1
  kill -s $signal $process
  begin=$SECONDS status=0
  wait $process || status=$?
  [ $status = $((128 + $(kill -l $signal))) ] || fail "SIG$signal while data are made gives status $status"
  [ $((SECONDS - begin)) -le 5 ] || fail "SIG$signal while data are made takes $((SECONDS - begin)) s"
  [ ! -e unmade ] || fail "a run that had not begun is left"
done

echo "--- as many steps as fit into a time: the run of so many steps, which a stop does not change"
! run --minutes 0 --set run.directory=never >out 2>err || fail "no time at all"
for minutes in 0.2 2; do # the longer time where the machine has other work
  "$train" "${small[@]}" --set train.schedule=cosine --minutes "$minutes" --set run.directory=fitted >fitted.out 2>fitted.err &&
    break
done
steps=$(sed -nE 's/^train.steps: ([0-9]+).*/\1/p' fitted/config.yaml)
grep -q "$steps steps of .* fit into $minutes minutes" fitted/log.txt || fail "$steps steps: $(cat fitted.err)"
"$train" "${small[@]}" --set train.schedule=cosine --set train.steps="$steps" --set train.epochs=0 \
  --set run.directory=counted >counted.out 2>/dev/null
cmp fitted.out counted.out
cmp <(tensors_of fitted/last.safetensors) <(tensors_of counted/last.safetensors)
"$train" --resume fitted >resumed.out 2>resumed.err
cmp fitted.out resumed.out
refuses "--minutes is for a new run" "$train" --resume fitted --minutes 1
refuses "no step fits into" "$train" "${small[@]}" --minutes 0.00001 --set run.directory=short
[ ! -e short ] || fail "a run of no steps leaves files"

echo "--- one writer a run, on one thread if so asked"
begin=("$train" "${small[@]}" --threads 1 --set train.steps=1000000 --set evaluation.every=1 --set run.directory=busy)
"${begin[@]}" >busy.out 2>busy.err &
process=$!
for _ in $(seq 600); do
  [ ! -s busy/best.safetensors ] || break
  sleep 0.05
done
[ "$(ls /proc/$process/task | wc -l)" = 1 ] || fail "--threads 1 has $(ls /proc/$process/task | wc -l) threads"
config=$(cat busy/config.yaml)
refuses "is being written by process $process on $(uname -n)" "$train" --resume busy --set train.steps=5
refuses "holds a run already" "${begin[@]}"
[ "$config" = "$(cat busy/config.yaml)" ] || fail "the second writer changed the first one's config"
"$evaluate" busy --samples 1 >evaluate.out 2>&1 || fail "a run cannot be read beside its writer: $(cat evaluate.out)"
kill -KILL $process
wait $process 2>/dev/null || true
"$train" --resume busy --set train.steps=1 2>busy.err && fail "a run goes back"
grep -q "beyond the 1 steps" busy.err || fail "a killed writer keeps the lock: $(cat busy.err)"
OMP_NUM_THREADS=1 run --set train.steps=1 --set run.directory=omp >/dev/null 2>omp.err
grep -q ", 1 threads" omp.err || fail "OMP_NUM_THREADS is not respected"

echo "--- evaluation"
"$evaluate" whole >evaluate.out 2>/dev/null
[ "$(tail -n 1 evaluate.out)" = "$(tail -n 1 whole.out)" ] || fail "evaluate says $(tail -n 1 evaluate.out)"
"$evaluate" whole --samples 3 --trials 3 --split valid --export predictions.npy >evaluate.out 2>/dev/null
grep -q "standard deviation over 3 trials" evaluate.out
grep -q "^valid mse " evaluate.out
[ "$(stat -c %s predictions.npy)" = $((128 + 20 * 5 * 3 * 4)) ] || fail "predictions.npy has $(stat -c %s predictions.npy) bytes"
exact=$(sed -nE 's/^equivariance error, relative: ([^ ]+) .*/\1/p' evaluate.out)
awk -v e="$exact" 'BEGIN { exit !(e < 1e-3) }' || fail "the equivariance error is $exact"
"$evaluate" --weights whole/best.safetensors --preset nbody_paper "${small[@]}" >evaluate.out 2>/dev/null

echo "--- data"
"$generate" nbody --train 3 --valid 2 --test 1 --forces spring --particles 4 --output springs >/dev/null 2>&1
[ "$(stat -c %s springs/loc30_train.npy)" = $((128 + 3 * 3 * 4 * 8)) ] || fail "generate wrote another size"
truncate -s 100 "$ORBIT_CACHE"/nbody-charged-*.safetensors
run --set train.steps=2 --set run.directory=again >/dev/null 2>again.err
grep -q "data set made anew" again.err || fail "a damaged cache goes unnoticed"
printf 'DQc\nD?{\nDQo\n' >three.g6  # a path, a star, the path again
"$separate" --dataset three.g6 >separate.out 2>/dev/null
grep -q "^graphs 0 and 2 are never told apart: they are isomorphic$" separate.out || fail "separate says $(cat separate.out)"
grep -q "^control: 0 of 3 graphs are told apart from renumbered copies of theirs$" separate.out || fail "separate says $(cat separate.out)"
[ "$(tail -n 1 separate.out)" = "1 pairs never told apart of 3" ] || fail "separate says $(cat separate.out)"
"$separate" --dataset three.g6 --criterion published --seeds 5 2>/dev/null | tail -n 1 | grep -q "^0 pairs never told apart of 3$" ||
  fail "the published criterion tells a graph from itself"
[ -s runs/separate-three-mlp-learned/pairs.svg ] || fail "separate draws no figure"
refuses "holds a result with another time_limit (was 60, now 61); --output" "$separate" --dataset three.g6 --time-limit 61
mkdir other
cp three.g6 other
refuses "holds a result with another dataset (was $PWD/three.g6, now $PWD/other/three.g6)" "$separate" --dataset other/three.g6
PATH=/nowhere "$separate" --dataset three.g6 --seeds 2 2>separate.err | tail -n 1 | grep -q "of 3$" || fail "no result without gnuplot"
grep -q "^warning: no figure .*gnuplot is not installed" separate.err || fail "no word of gnuplot: $(cat separate.err)"
mkdir huge_labels
printf 'label 0 3e38\nlabel 1 -3e38\n0 1\n1 2\n2 3\n3 4\n' >huge_labels/path.edges
printf 'label 0 3e38\nlabel 1 -3e38\n0 1\n0 2\n0 3\n0 4\n' >huge_labels/star.edges
refuses "the equivariant network q" "$separate" --dataset huge_labels --seeds 1
"$generate" graph8c >/dev/null
[ "$(sort -u graph8c.g6 | wc -l)" = 11117 ] || fail "graph8c.g6 has $(wc -l <graph8c.g6) graphs"

echo "--- graph separation: a symmetrized MLP tells all graphs with 8 nodes apart, message passing does not"
for model in "mlp --criterion published" "mlp --distribution minimal_frame" gcn; do
  # shellcheck disable=SC2086
  "$separate" --model $model --seeds 1 --samples 5 2>/dev/null | tail -n 1 >separate.out
  grep -qE '^[0-9]+ pairs never told apart of 61788286$' separate.out || fail "separate ends with $(cat separate.out)"
  case $model in
    gcn) [ "$(cut -d ' ' -f 1 separate.out)" -gt 300 ] || fail "a GCN does what it cannot" ;;
    *) [ "$(cut -d ' ' -f 1 separate.out)" = 0 ] || fail "$model: $(cat separate.out)" ;;
  esac
done
"$table" separation >table.out
grep -qE '^MLP-PS  +0  +0 \(1 seed\)  +not run  +0  +not run  +not run$' table.out || fail "the table says $(cat table.out)"
grep -qE '^GCN  +4755  +not run  +[0-9]+ \(1 seed\)' table.out || fail "the table says $(cat table.out)"
"$table" separation --markdown runs | grep -q '^| MLP-PS ' || fail "no table in Markdown"
mkdir runs/study-separation-small
cp -r runs/separate-graph8c-gcn runs/study-separation-small/graph8c-gcn
refuses "graph8c-gcn holds a result with another seeds (was 1, now 2); --output" "$study" table separation --set seeds=2

echo "--- studies"
"$study" samples --preset nbody_paper "${small[@]}" --set train.epochs=0 --set train.steps=20 --train-samples 1,2 --test-samples 1,4 --trials 3 \
  >study.out 2>/dev/null
[ "$(wc -l <runs/study-samples/samples.jsonl)" = 4 ] || fail "the study has $(wc -l <runs/study-samples/samples.jsonl) lines"
# The variance of a mean over 4 samples is about a quarter of that of one.
variances=$(sed -nE 's/.*"training samples":1,"test samples":(1|4),.*"output variance":([^,]*),.*/\2/p' runs/study-samples/samples.jsonl)
echo $variances | awk '{ exit !($2 < 0.6 * $1) }' || fail "variances $variances"
for figure in metric loss variance; do [ -s runs/study-samples/$figure.svg ] || fail "no $figure.svg"; done
"$study" samples --preset nbody_paper "${small[@]}" --set train.epochs=0 --set train.steps=20 --train-samples 1,2 --test-samples 1,4 --trials 3 \
  2>/dev/null | cmp - study.out || fail "a finished study says something else the second time"
estimator() { # SAMPLES TRIALS EVERY ...
  "$study" estimator --preset nbody_paper --against nbody_transformer_haar_snxo3 "${small[@]}" --set train.epochs=0 \
    --set train.steps=12 --samples "$1" --trials "$2" --every "$3" "${@:4}"
}
estimator 2 3 2 >study.out 2>/dev/null
for run in nbody_paper nbody_transformer_haar_snxo3; do
  [ "$(wc -l <runs/study-estimator/$run/estimator.jsonl)" = 3 ] || fail "$(cat runs/study-estimator/$run/estimator.jsonl)"
done
[ -s runs/study-estimator/variance.svg ] || fail "no variance.svg"
estimator 2 3 2 2>/dev/null | cmp - study.out || fail "a finished study says something else the second time"
refuses "estimator.jsonl holds an estimate at step 0 with another samples (was 2, now 5); --output" estimator 5 3 2
refuses "with another trials (was 3, now 2), every (was 2, now 1); --output" estimator 2 2 1
refuses "holds a run with another train.steps (was 12, now 14); --output" estimator 2 3 2 --set train.steps=14
sed -i 's/"samples":[0-9.]*,"trials":[0-9.]*,"every":[0-9.]*,//' runs/study-estimator/nbody_paper/estimator.jsonl
refuses "with another samples (was not kept, now 2), trials" estimator 2 3 2

echo "--- a table's rows at a budget of their own: stopped, gone on with, kept for the table"
printf 'nbody:\n  train: {epochs: 0, steps: 40, samples: 2}\n  evaluation: {every: 2, samples: 2, test_samples: 4}\n' >tiny.yaml
rows=("$study" table nbody --budget tiny.yaml "${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20
  --set train.batch=20 --rows nbody_paper,nbody_transformer_canonical_snxo3 --seeds 2 --output rows)
"${rows[@]}" >rows.out 2>rows.err &
process=$!
for _ in $(seq 600); do
  [ ! -s rows/nbody_paper-seed0/last.safetensors ] || break
  sleep 0.05
done
kill -KILL $process 2>/dev/null || true
wait $process 2>/dev/null || true
"${rows[@]}" >rows.out 2>rows.err || fail "the rows of a table: $(cat rows.err)"
grep -qE '^Transformer-PS, S5 x O\(3\)  +0.00401  +[0-9.]+ ± [0-9.e-]+ \(2 seeds\)$' rows.out || fail "the table says $(cat rows.out)"
grep -qE '^EGNN  +0.0071  +not run$' rows.out || fail "the table says $(cat rows.out)"
grep -q "^train.samples: 1 " rows/nbody_transformer_canonical_snxo3-seed1/config.yaml || fail "a row with one group element has more"
for file in rows/table.md rows/table.svg rows/nbody_paper-seed1/curves.svg; do [ -s "$file" ] || fail "there is no $file"; done
"${rows[@]}" 2>rows.err | head -n 16 | cmp - <(head -n 16 rows.out) || fail "finished rows say something else the second time"
! grep -q "resuming" rows.err || fail "a finished row is trained again"
"$table" nbody rows --record kept >/dev/null
"$table" nbody kept --figure kept.svg | cmp - <(head -n -1 rows.out) || fail "the rows that are kept say something else"
[ -s kept.svg ] || fail "table draws no figure"
[ "$(du -sb kept/tiny/nbody_paper-seed0 | cut -f 1)" -lt 20000 ] || fail "what is kept is large"
sed -i 's/steps: 40/steps: 50/' tiny.yaml
sed 's/steps: 50/steps: 1000000/; s/every: 2,/every: 50,/; $a\  log: {every: 1000}' tiny.yaml >long.yaml
full=("${rows[@]/tiny.yaml/long.yaml}")
full[-1]=full_rows # the --output
(
  trap '' XFSZ
  ulimit -f 20
  exec "${full[@]}" >out 2>err
) &
process=$!
for _ in $(seq 1200); do
  ! grep -q "is kept in memory and tried again" err || break
  sleep 0.05
done
kill -TERM $process
status=0
wait $process || status=$?
grep -q "seed 0, failed: .*full" err || fail "a run whose disk is full does not fail"
[ $status = 143 ] || fail "SIGTERM to a study whose run then fails gives status $status"
! grep -q "^2 of 4: " err || fail "a study goes on with the next run after SIGTERM"
refuses "-seed0 holds a run with another train.steps" "${rows[@]}"
refuses "the budget small has another train.batch (was " "$study" table nbody --set train.batch=7 --output none4
refuses "did you mean 'small'" "$study" table nbody --budget smal
refuses "has no row of preset" "$study" table nbody --rows nbody --output none4
refuses "did you mean 'nbody'" "$study" table nbodi
refuses "the budget small has no row of the table pcqm_contact; budgets that have some: paper" "$study" table pcqm_contact
refuses "has a model of another size than the weights that pattern begins with" "$study" table pattern --rows pattern
"$study" table --help | grep -q 'pattern (paper, small)' || fail "study does not say what budgets tables have"

"$bench" --filter gram_schmidt --repeats 1 2>/dev/null | grep -q '"median_s"'

echo "--- what is refused"
for number in nan inf -1 many; do
  refuses "--minutes" run --minutes $number --set run.directory=none
  refuses "--deadline" run --deadline $number --set run.directory=none
  for option in --threshold --time-limit --error-rate; do refuses "$option" "$separate" --dataset three.g6 "$option" $number; done
done
refuses "standard output cannot be written" bash -c '"$0" --help >/dev/full' "$train"
refuses "standard output cannot be written" bash -c '"$0" nbody kept >/dev/full' "$table"
refuses "did you mean 'nbody_paper'" "$train" --preset nbody_papr
refuses "did you mean 'train.batch'" run --set train.bach=3
refuses "did you mean 'train.learning_rate'" run --set train.lr=1e-3
refuses "must be an integer" run --set train.batch=many
refuses "must be at least 1" run --set train.samples=0
refuses "more than the 60 training examples" run --set train.batch=1000 --set run.directory=none
[ ! -e none/config.yaml ] || fail "a refused run leaves a config behind"
refuses "set either train.epochs or train.steps" run --set train.epochs=3 --set run.directory=none2
refuses "holds a run already" run --set run.directory=whole
refuses "holds no run" "$train" --resume nowhere
refuses "cannot make the run directory" run --set run.directory=/dev/null/run
refuses "device" run --device abacus
refuses "cannot read" "$train" --config nowhere.yaml
echo 'train: [1, 2' >broken.yaml
refuses "broken.yaml" "$train" --config broken.yaml
refuses "canonicalization has one group element" run --set model.distribution=canonical --set run.directory=none3
head -c 1000 whole/best.safetensors >cut.safetensors
header=$((8 + $(head -c 8 whole/best.safetensors | od -An -tu8)))
{ head -c "$header" whole/best.safetensors && tensors_of whole/best.safetensors | tr '\0-\377' '\377'; } >nan.safetensors
refuses "are not finite" "$evaluate" --weights nan.safetensors --preset nbody_paper "${small[@]}"
refuses "cut.safetensors" "$evaluate" --weights cut.safetensors --preset nbody
refuses "unexpected" "$evaluate" --weights whole/best.safetensors --preset nbody_gnn_learned_o3
refuses "there is no" "$table" separation nowhere
printf '?\n?\n' >nothing.g6
refuses "nothing to tell apart" "$separate" --dataset nothing.g6
: >empty.g6
refuses "has no graphs" "$separate" --dataset empty.g6
mkdir graphs
printf '0 1\n1 2\n2 2\n' >graphs/loop.edges
printf '0 1\n0 1\n1 2\n' >graphs/double.edges
: >graphs/empty.edges
"$separate" --dataset graphs --seeds 3 2>/dev/null | tail -n 1 | grep -q "^0 pairs never told apart of 3$" || fail "a folder of edge lists"
refuses "nowhere.g6" "$separate" --dataset nowhere.g6
printf 'nodes 12000\n0 1\n' >graphs/large.edges
(
  ulimit -v 8000000
  refuses "a weight for every pair of them" "$separate" --dataset graphs --threads 1
)
rm graphs/large.edges
refuses "no benchmark" "$bench" --filter nonsense

echo "--- a checkpoint that is damaged"
cp -r whole damaged
printf 'xx' | dd of=damaged/last.safetensors bs=1 seek=$(($(stat -c %s damaged/last.safetensors) - 100)) conv=notrunc status=none
refuses "is damaged" "$train" --resume damaged

echo "--- a full disk"
(
  trap '' XFSZ
  ulimit -f 20
  refuses "full" run --set run.directory=full
)

echo "--- a loss that is not finite"
refuses "first appeared" run --set train.learning_rate=1e30 --set run.directory=infinite
grep -q "step [0-9]* of 40" refused.err || fail "the step is not told"
echo "all held"
