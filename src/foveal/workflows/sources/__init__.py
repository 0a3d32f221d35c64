"""Where labelled pictures come from: folders, tables and zips."""
