#!/usr/bin/env bash
# A user's own molecules, from a table to predictions beside their SMILES, and what is refused.
train=$PWD/$1 evaluate=$PWD/$2
. tests/tools/testing.sh

# FIRST LAST: a table of small molecules, with semicolons, CRLF, a byte order mark and missing values.
molecules() {
  awk -v first="$1" -v last="$2" 'BEGIN {
    split("O N F Cl S C(=O)O c1ccccc1", group, " ")
    split("C N O Br", tail, " ")
    printf "\xef\xbb\xbfid;SMILES;aromatic;mass;halogen;acid;set\r\n"
    for (i = first; i <= last; ++i) {
      chain = substr("CCCCCC", 1, i * i % 6 + 1)
      g = group[i * 5 % 7 + 1]
      s = tail[i * 3 % 4 + 1] chain g
      set = i % 10 == 0 ? "Valid" : i % 10 == 1 ? "test" : "train"
      printf "%d;%s;%s;%s;%d;%s;%s\r\n", i, s, g ~ /c1/ ? "yes" : "no", i % 9 ? length(chain) * 1000.5 : "NA", s ~ /F|Cl|Br/, i % 5 ? g ~ /=O/ : "", set
    }
  }'
}
own() {
  "$train" --preset molecules --set data.smiles=SMILES --set model.transformer.layers=1 \
    --set model.transformer.width=16 --set model.transformer.heads=2 --set model.transformer.hidden=16 \
    --set model.transformer.grid=3 --set model.network.hidden=8 --set model.network.layers=2 --set train.batch=20 \
    --set train.learning_rate=1e-2 --set train.epochs=2 --set evaluation.test_samples=3 --set log.every=1000 "$@"
}
molecules 1 200 | gzip >m.csv.gz
field() { awk -F, -v row="$2" -v column="$3" 'NR == row { print $column }' "$1"; }

echo "--- classes, told from their names, learned, and predicted for molecules without labels"
own --set data.path=m.csv.gz --set data.targets=aromatic --set train.epochs=8 --set run.directory=classes >out 2>err ||
  fail "training on classes"
grep -q "200 molecules of up to 12 atoms, 6 on average; classification of 2 classes: 160 to train, 20 to valid, 20 to test" \
  classes/log.txt || fail "what was found is not told"
grep -qF 'data.classes: ["no", "yes"]' classes/config.yaml || fail "classes are not kept"
[ ! -e classes/left_out.csv ] || fail "molecules are left out"
printf 'SMILES,name\nCCCc1ccccc1,a\nNCCO,b\n"C(",c\nCCCCCCCCCCCCCCCCCC,d\n\nOCC[Si](C)(C)C,e\n' >new.csv
"$evaluate" classes --data new.csv --export classes.csv >out 2>err || fail "evaluation of new molecules"
! grep -q "^test " out || fail "a metric without labels"
[ "$(head -n 1 classes.csv)" = "line,smiles,class,p(no),p(yes),problem" ] || fail "$(cat classes.csv)"
[ "$(cut -d, -f 1-2 classes.csv | tail -n +2 | tr '\n' ' ')" = "2,CCCc1ccccc1 3,NCCO 4,C( 5,CCCCCCCCCCCCCCCCCC 7,OCC[Si](C)(C)C " ] ||
  fail "$(cat classes.csv)"
[ "$(field classes.csv 2 3)$(field classes.csv 3 3)$(field classes.csv 4 3)" = "yesno" ] || fail "$(cat classes.csv)"
[ "$(field classes.csv 4 6)" = "'C(': syntax error" ] || fail "$(cat classes.csv)"
grep -qF "18 atoms, more than data.nodes = 12" classes.csv || fail "$(cat classes.csv)"
grep -qF "new.csv: 2 of 5 molecules cannot be used and are left out" err || fail "what is left out is not told"
grep -qF "new.csv:4: 'C('" err || fail "lines of what is left out are not told"
grep -qE "1 molecules have atoms or bonds of a kind that none trained on has.* line 7: OCC\[Si\]" err ||
  fail "unknown atoms are not told"
refuses "new.csv:4: 'C(': syntax error" "$evaluate" classes --data new.csv --set data.bad_smiles=fail
"$evaluate" classes --data new.csv --export classes.npy >out 2>err || fail "predictions as an array"
"$evaluate" classes --export known.csv >out 2>err || fail "evaluation"
[ "$(wc -l <known.csv)" = 21 ] || fail "$(wc -l <known.csv) lines of predictions for the 20 molecules of the split test"
sed 's/NCCO,b/NCCO,b,no/; s/,a$/,a,yes/; s/,\([cde]\)$/,\1,/; s/name/name,aromatic/' new.csv >labelled.csv
"$evaluate" classes --data labelled.csv >out 2>err || fail "evaluation of new molecules with labels"
grep -q "^test accuracy 100" out || fail "accuracy of two that are known"

echo "--- values, missing ones among them, standardised and given back as they were; a split by a column"
own --set data.path=m.csv.gz --set data.targets=mass --set train.epochs=8 --set data.split=column \
  --set data.split_column=set --set run.directory=values >out 2>err || fail "training on values"
grep -q "regression of 1 targets: 142 to train, 18 to valid, 18 to test" values/log.txt || fail "a split by a column"
mae=$(sed -n 's/^test mae //p' out)
awk -v mae="$mae" 'BEGIN { exit !(mae > 0 && mae < 800) }' || fail "mean absolute error $mae, where deviations are 1700"
"$evaluate" values --data new.csv --export values.csv >out 2>err || fail "evaluation of values"
[ "$(head -n 1 values.csv)" = "line,smiles,mass,problem" ] || fail "$(cat values.csv)"
awk -v mass="$(field values.csv 2 3)" 'BEGIN { exit !(mass > 1000 && mass < 6000) }' || fail "$(cat values.csv)"
first=$(sed -n 's/^data.means: //p' values/config.yaml)
"$train" --resume values --set train.epochs=9 >out 2>err || fail "resuming"
[ "$(sed -n 's/^data.means: //p' values/config.yaml)" = "$first" ] || fail "means change"

echo "--- several labels, missing ones among them; molecules that cannot be used"
gunzip -c m.csv.gz | sed '10s/;[^;]*/;C(/; 20s/;[^;]*/;/; 30s/;[^;]*/;FC(F)(F)(F)F/' >bad.csv
own --set data.path=bad.csv --set 'data.targets=[halogen, acid]' --set run.directory=labels >out 2>err || fail "labels"
grep -q "multi_label of 2 targets; 3 left out: 15[0-9] to train" labels/log.txt || fail "labels are not told"
grep -q "^test average_precision " out || fail "no average precision"
[ "$(wc -l <labels/left_out.csv)" = 4 ] || fail "$(cat labels/left_out.csv)"
grep -q "^30,FC(F)(F)(F)F,.*Explicit valence for atom # 1 C, 5" labels/left_out.csv || fail "$(cat labels/left_out.csv)"
grep -qF "bad.csv:20: '' has no atoms" err || fail "an empty SMILES"
refuses "bad.csv:10: 'C(': syntax error" own --set data.path=bad.csv --set data.targets=acid --set data.bad_smiles=fail \
  --set run.directory=none

echo "--- a split by a file, and the Peptides data sets"
splits='\x80\x02}(X\x05\x00\x00\x00train](K\x00K\x01eX\x03\x00\x00\x00val](K\x02eX\x04\x00\x00\x00test](K\x03eu.'
printf "$splits" >splits.pickle
own --set data.path=m.csv.gz --set data.targets=mass --set data.split=file --set data.split_file=splits.pickle \
  --set train.batch=2 --set run.directory=file >out 2>err || fail "a split by a file"
grep -q ": 2 to train, 1 to valid, 1 to test" file/log.txt || fail "a split by a file is not taken"
grep -qxF "test r2 undefined (no value has two known targets)" out || fail "r2 of one molecule: $(cat out)"
grep -q '"test/mae":[0-9.]*,"test/r2":null' file/metrics.jsonl || fail "$(tail -n 1 file/metrics.jsonl)"
{
  echo ',smiles,labels'
  for i in 0 1 2 3; do echo "$i,NCC(=O)O,\"[1, 0, 0, $((i % 2)), 0, 0, 0, 0, $((i / 2)), 1]\""; done
} >func.csv
tiny=(--set model.weights= --set model.transformer.layers=1 --set model.transformer.width=16 --set model.transformer.heads=2
  --set model.transformer.hidden=16 --set train.steps=1 --set train.batch=2 --set evaluation.test_samples=2)
printf "${splits/K\\x02e/e}" | sed 's/](K\x03e/](K\x02K\x03e/' >peptides.pickle
"$train" --preset peptides_func "${tiny[@]}" --set data.path=func.csv --set data.splits=peptides.pickle \
  --set run.directory=func >out 2>err || fail "peptides_func"
grep -qE "^test average_precision [0-9.]+" out || fail "peptides_func: $(cat out)"
refuses "has no column 'Inertia_mass_a'" "$train" --preset peptides_struct "${tiny[@]}" --set data.path=func.csv \
  --set data.splits=splits.pickle --set run.directory=none

echo "--- what is refused"
refuse() { refuses "$1" own --set data.path=m.csv.gz --set run.directory=none "${@:2}"; }
refuse "data.targets has to name the columns of what is predicted; the columns of"
refuse "has no column 'weight'; its columns are 'id', 'SMILES', 'aromatic', 'mass'" --set data.targets=weight
refuse "has no column 'smiles'; its columns are 'id'" --set data.targets=mass --set data.smiles=smiles
refuse "m.csv.gz:2: column 'aromatic': 'no' is no number" --set data.targets=aromatic --set data.task=regression
refuse "m.csv.gz:2: column 'mass': '2001' is no label" --set data.targets=mass --set data.task=multi_label
refuse "column 'id': '1' is no split" --set data.targets=mass --set data.split=column --set data.split_column=id
refuse "has no molecule that can be used" --set data.targets=mass --set data.nodes=2
refuse "cannot be used and are left out; the first of them" --set data.targets=mass --set data.nodes=3 --set train.batch=1000
refuse "data.path has to name the table" --set data.targets=mass --set data.path=
refuse "cannot open" --set data.targets=mass --set data.path=nowhere.csv
: >empty.csv
refuse "empty.csv is empty" --set data.targets=mass --set data.path=empty.csv
head -c 300 m.csv.gz >cut.csv.gz
refuse "cut.csv.gz is truncated" --set data.targets=mass --set data.path=cut.csv.gz
printf 'SMILES,mass\nC,1\nCC,2\nCCC,"3\n' >quote.csv
refuse "quote.csv:4: the quoted field number 2 of the record does not end" --set data.targets=mass --set data.path=quote.csv
printf 'SMILES,mass\nC,1\nCC,2,3\n' >ragged.csv
refuse "ragged.csv:3: 3 fields where there are 2 columns" --set data.targets=mass --set data.path=ragged.csv
printf '\x80\x02}X\x05\x00\x00\x00trainK\x01s.' >splits.pickle
refuse "splits.pickle has no array or list of numbers of the split 'train'" --set data.targets=mass --set data.split=file --set data.split_file=splits.pickle
[ ! -e none/config.yaml ] || fail "a refused run leaves a config behind"
echo "all held"
