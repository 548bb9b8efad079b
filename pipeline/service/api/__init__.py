"""The routes of the API, a file a resource; each file's `router` is included by `create_app`."""
