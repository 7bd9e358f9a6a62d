"""The layers of the project, whose arrows point one way: visibility holds them.

    tools -> tools/experiments -> data, models -> groups -> engine -> kernels -> third_party

Users' packages depend on //:orbit, which is public, and on nothing else.
"""

# The layers above each layer.
LAYERS = {
    "kernels": ["engine", "groups", "models", "data", "tools"],
    "engine": ["groups", "models", "data", "tools"],
    "groups": ["models", "tools"],
    "models": ["tools"],
    "data": ["tools"],
    "tools": [],
}

def visible_from(layer):
    """The default visibility in the packages of a layer: the layer itself, those above it, and tests."""
    return ["//%s:__subpackages__" % name for name in [layer] + LAYERS[layer] + ["tests"]] + ["//:__pkg__"]
