"""The sample district: a believable, messy and reproducible set of the files that departments hand over."""
