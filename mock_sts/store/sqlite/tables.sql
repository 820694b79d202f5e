CREATE TABLE api (
	environment TEXT NOT NULL, 
	audience TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT, 
	PRIMARY KEY (environment, audience)
)
 STRICT;
CREATE TABLE authorization_code (
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER, 
	PRIMARY KEY (digest)
)
 STRICT;
CREATE TABLE authorization_request (
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER, 
	login TEXT, 
	PRIMARY KEY (digest)
)
 STRICT;
CREATE TABLE client (
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT, 
	PRIMARY KEY (environment, client_id)
)
 STRICT;
CREATE TABLE environment (
	name TEXT NOT NULL, 
	created_at INTEGER NOT NULL, 
	used_at INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	clock_offset INTEGER NOT NULL, 
	clock_frozen_at INTEGER, 
	declared INTEGER, 
	tag TEXT, 
	draws INTEGER, 
	PRIMARY KEY (name)
)
 STRICT;
CREATE TABLE environment_host (
	host TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (host)
)
 STRICT;
CREATE TABLE fault (
	id TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	remaining INTEGER, 
	drawn INTEGER NOT NULL, 
	happened INTEGER NOT NULL, 
	tag TEXT, 
	PRIMARY KEY (id)
)
 STRICT;
CREATE TABLE journal (
	id INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	endpoint TEXT NOT NULL, 
	client_id TEXT, 
	outcome TEXT NOT NULL, 
	error TEXT, 
	rule TEXT, 
	findings TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	challenged BLOB, 
	proof_key BLOB, 
	faults TEXT, 
	flow TEXT, 
	sid TEXT, 
	pid TEXT, 
	micros INTEGER, 
	PRIMARY KEY (id)
)
 STRICT;
CREATE TABLE login_session (
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	sid TEXT NOT NULL, 
	auth_time INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	good_until INTEGER NOT NULL, 
	ended_at INTEGER, 
	expires_at INTEGER NOT NULL, 
	PRIMARY KEY (digest)
)
 STRICT;
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
)
 STRICT;
CREATE TABLE organization (
	environment TEXT NOT NULL, 
	number TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT, 
	PRIMARY KEY (environment, number)
)
 STRICT;
CREATE TABLE persona (
	environment TEXT NOT NULL, 
	pid TEXT NOT NULL, 
	persona TEXT, 
	hpr_number TEXT, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT, 
	PRIMARY KEY (environment, pid)
)
 STRICT;
CREATE TABLE refresh_token (
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER, 
	PRIMARY KEY (digest)
)
 STRICT;
CREATE TABLE replay (
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	PRIMARY KEY (digest)
)
 STRICT;
CREATE TABLE revision (
	environment TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (environment)
)
 STRICT;
CREATE TABLE scripted_login (
	id INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT, 
	redirect_uri TEXT, 
	pid TEXT, 
	outcome TEXT NOT NULL, 
	times INTEGER NOT NULL, 
	tag TEXT, 
	expires_at INTEGER, 
	PRIMARY KEY (id)
)
 STRICT;
CREATE TABLE server_secret (
	name TEXT NOT NULL, 
	value BLOB NOT NULL, 
	PRIMARY KEY (name)
)
 STRICT;
CREATE TABLE session_client (
	environment TEXT NOT NULL, 
	sid TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	issuer TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	PRIMARY KEY (environment, sid, client_id)
)
 STRICT;
CREATE TABLE signing_key (
	environment TEXT NOT NULL, 
	kid TEXT NOT NULL, 
	jwk TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at INTEGER NOT NULL, 
	algorithm TEXT, 
	withheld INTEGER, 
	PRIMARY KEY (environment, kid)
)
 STRICT;
CREATE TABLE snapshot (
	id TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	created_at INTEGER NOT NULL, 
	name TEXT, 
	tag TEXT, 
	PRIMARY KEY (id)
)
 STRICT;
CREATE TABLE snapshot_api (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	audience TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT
)
 STRICT;
CREATE TABLE snapshot_authorization_code (
	snapshot TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER
)
 STRICT;
CREATE TABLE snapshot_authorization_request (
	snapshot TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER, 
	login TEXT
)
 STRICT;
CREATE TABLE snapshot_client (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT
)
 STRICT;
CREATE TABLE snapshot_environment (
	snapshot TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at INTEGER NOT NULL, 
	used_at INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	clock_offset INTEGER NOT NULL, 
	clock_frozen_at INTEGER, 
	declared INTEGER, 
	tag TEXT, 
	draws INTEGER
)
 STRICT;
CREATE TABLE snapshot_fault (
	snapshot TEXT NOT NULL, 
	id TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	remaining INTEGER, 
	drawn INTEGER NOT NULL, 
	happened INTEGER NOT NULL, 
	tag TEXT
)
 STRICT;
CREATE TABLE snapshot_journal (
	snapshot TEXT NOT NULL, 
	id INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	endpoint TEXT NOT NULL, 
	client_id TEXT, 
	outcome TEXT NOT NULL, 
	error TEXT, 
	rule TEXT, 
	findings TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	challenged BLOB, 
	proof_key BLOB, 
	faults TEXT, 
	flow TEXT, 
	sid TEXT, 
	pid TEXT, 
	micros INTEGER
)
 STRICT;
CREATE TABLE snapshot_login_session (
	snapshot TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	sid TEXT NOT NULL, 
	auth_time INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	good_until INTEGER NOT NULL, 
	ended_at INTEGER, 
	expires_at INTEGER NOT NULL
)
 STRICT;
CREATE TABLE snapshot_organization (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	number TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT
)
 STRICT;
CREATE TABLE snapshot_persona (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	pid TEXT NOT NULL, 
	persona TEXT, 
	hpr_number TEXT, 
	origin TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	tag TEXT
)
 STRICT;
CREATE TABLE snapshot_refresh_token (
	snapshot TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	document TEXT NOT NULL, 
	expires_at INTEGER NOT NULL, 
	consumed_at INTEGER
)
 STRICT;
CREATE TABLE snapshot_replay (
	snapshot TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	expires_at INTEGER NOT NULL
)
 STRICT;
CREATE TABLE snapshot_scripted_login (
	snapshot TEXT NOT NULL, 
	id INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	client_id TEXT, 
	redirect_uri TEXT, 
	pid TEXT, 
	outcome TEXT NOT NULL, 
	times INTEGER NOT NULL, 
	tag TEXT, 
	expires_at INTEGER
)
 STRICT;
CREATE TABLE snapshot_session_client (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	sid TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	issuer TEXT NOT NULL, 
	expires_at INTEGER NOT NULL
)
 STRICT;
CREATE TABLE snapshot_signing_key (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	kid TEXT NOT NULL, 
	jwk TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at INTEGER NOT NULL, 
	algorithm TEXT, 
	withheld INTEGER
)
 STRICT;
CREATE TABLE snapshot_token_service_key (
	snapshot TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	owner TEXT NOT NULL
)
 STRICT;
CREATE TABLE token_service_key (
	environment TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	owner TEXT NOT NULL, 
	PRIMARY KEY (environment, digest)
)
 STRICT;
CREATE INDEX authorization_code_expires_at ON authorization_code (environment, expires_at);
CREATE INDEX authorization_request_expires_at ON authorization_request (environment, expires_at);
CREATE INDEX fault_environment ON fault (environment, position);
CREATE INDEX journal_challenged ON journal (challenged) WHERE challenged IS NOT NULL;
CREATE INDEX journal_client_id ON journal (environment, client_id, id);
CREATE INDEX journal_environment ON journal (environment, id);
CREATE INDEX journal_proof_key ON journal (proof_key) WHERE proof_key IS NOT NULL;
CREATE INDEX login_session_expires_at ON login_session (environment, expires_at);
CREATE INDEX login_session_sid ON login_session (sid, auth_time);
CREATE INDEX refresh_token_expires_at ON refresh_token (environment, expires_at);
CREATE INDEX replay_expires_at ON replay (environment, expires_at);
CREATE INDEX scripted_login_environment ON scripted_login (environment, id);
CREATE INDEX session_client_expires_at ON session_client (environment, expires_at);
