"""YAML files as part of the programs."""

def embedded_yaml(name, type, function, srcs):
    """embed_NAME, a source file with the FUNCTION of NAME.h that returns a vector of TYPE {name, yaml}."""
    native.genrule(
        name = "embed_" + name,
        srcs = srcs,
        outs = ["embedded_%s.cc" % name],
        cmd = """{
  echo '#include "tools/experiments/%s.h"'
  echo 'namespace orbit {'
  echo 'const std::vector<%s>& %s() {'
  echo '  static const std::vector<%s> files = {'
  for file in $(SRCS); do
    echo "    {\\"$$(basename "$$file" .yaml)\\", R\\"yaml($$(cat "$$file")"
    echo ')yaml"},'
  done
  echo '  };'
  echo '  return files;'
  echo '}'
  echo '}  // namespace orbit'
} > $@""" % (name, type, function, type),
    )
