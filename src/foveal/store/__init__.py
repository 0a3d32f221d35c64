"""What is kept on disk: workspaces, recognizer files and the signed log."""
