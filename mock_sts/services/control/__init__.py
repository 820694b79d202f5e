"""What a test steers: one file a resource. The HTTP API and the command line call these."""
