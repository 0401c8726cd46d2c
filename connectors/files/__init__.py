"""Files as a source: spreadsheets and exports, mapped by a few lines of YAML to core entities and input contracts."""
