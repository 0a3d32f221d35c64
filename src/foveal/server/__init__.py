"""The server: an HTTP API for programs and a page for people, both over the same workflows (extra foveal[server])."""
