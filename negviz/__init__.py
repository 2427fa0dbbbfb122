"""negviz: see which image–text models of chest radiographs understand "no".

    models = negviz.load_models("checkpoints/compact")  # dict[str, DualEncoder] in column order
    films = negviz.open_collection("openi")  # or a folder that holds manifest.csv, or an archive
    prompt = negviz.read_prompt("No pleural effusion.")
    hits = negviz.search(models["con2"], films, prompt, k=10)
    table = negviz.evaluate(models, films, ["No pleural effusion.", "Large right effusion."])

Nothing here imports gradio, and nothing writes but to a cache.  What there is stands in the stub beside this;
a name is imported, and torch or scikit-learn with it, when it is first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
