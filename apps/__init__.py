"""The viewer: a page that shows a photograph, its lesions and the sentences that cite them. Knows the pipeline, and no model."""
