"""The web page: server-rendered, with small scripts of its own; every text is in texts.en.json."""
