"""How moto's own functions are changed."""


def replaces(owner, name):
    """Puts a function in the place of one of moto's, which it gets as its first argument."""

    def decorate(function):
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: function(original, *args, **kwargs))
        return function

    return decorate
