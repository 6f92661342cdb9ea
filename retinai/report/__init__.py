"""An explanation as files: JSON, an overlay, masks, a table."""
