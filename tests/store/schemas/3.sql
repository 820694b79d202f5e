-- A database of schema 3, as the program of that time has made it; most of its world is left out.
BEGIN TRANSACTION;
CREATE TABLE api (
    audience TEXT NOT NULL,
    origin TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (audience)
)
 STRICT

;
INSERT INTO "api" VALUES('nhn:phr','fixture','{"audience": "nhn:phr", "name": "Document sharing", "description": "Reads documents; its scopes have two slashes, and the audience ends at the first.", "sample": "NorskHelsenett/helseid-workshops", "scopes": ["nhn:phr/mhd/read-document", "nhn:phr/mhd/read-documentreferences"], "claims": ["helseid://claims/identity/pid", "helseid://claims/identity/security_level", "helseid://claims/identity/assurance_level", "helseid://claims/hpr/hpr_number", "name", "given_name", "middle_name", "family_name", "helseid://claims/identity/network"]}');
INSERT INTO "api" VALUES('test:api','made','{"audience": "test:api", "scopes": ["test:api/read"]}');
CREATE TABLE authorization_code (
    digest BLOB NOT NULL,
    client_id TEXT NOT NULL,
    document TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "authorization_code" VALUES(X'F891321779657722C3814A0886626A672E4125103F6D5DEE297D78A4D7E3B15A','web','{"issuer": "http://localhost:8080", "redirect_uri": "http://localhost:8089/callback", "scopes": ["openid", "profile", "offline_access", "helseid://scopes/identity/pid", "helseid://scopes/identity/security_level", "helseid://scopes/hpr/hpr_number", "test:api/read"], "resources": [], "details": [], "nonce": "1b69338cfe10862666b85a2194ced307", "state": "20aa2a0d7c2798145b647de8df2d6993", "code_challenge": "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0", "dpop_jkt": null, "on_behalf_of": null, "login": {"pid": "06828399789", "auth_time": 1800000000, "began_at": 1800000000, "idp": "testidp-oidc", "eid": "test", "amr": ["pwd"], "security_level": "4", "hpr_number": null}, "sid": "425264831232E29A4C4B0AB037549F1D"}',1800000300,1800000000);
INSERT INTO "authorization_code" VALUES(X'3F85AE044411211907F0B38810B1A9E136A1C1DF5DBDED77500AFE0BB69142A8','web','{"issuer": "http://localhost:8080", "redirect_uri": "http://localhost:8089/callback", "scopes": ["openid", "profile", "offline_access", "helseid://scopes/identity/pid", "helseid://scopes/identity/security_level", "helseid://scopes/hpr/hpr_number", "test:api/read"], "resources": [], "details": [], "nonce": "1b69338cfe10862666b85a2194ced307", "state": "20aa2a0d7c2798145b647de8df2d6993", "code_challenge": "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0", "dpop_jkt": null, "on_behalf_of": null, "login": {"pid": "06828399789", "auth_time": 1800000000, "began_at": 1800000000, "idp": "testidp-oidc", "eid": "test", "amr": ["pwd"], "security_level": "4", "hpr_number": null}, "sid": "2F100A0575CD217D6CFC72670CDB7136"}',1800000300,NULL);
CREATE TABLE authorization_request (
    digest BLOB NOT NULL,
    client_id TEXT NOT NULL,
    document TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    login TEXT,
    PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "authorization_request" VALUES(X'CABA30EDB63C0C64C4172D1B7B77622900C6E839709125DAF64E7073024A4C93','web','{"parameters": [["client_id", "web"], ["code_challenge", "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0"], ["code_challenge_method", "S256"], ["nonce", "1b69338cfe10862666b85a2194ced307"], ["redirect_uri", "http://localhost:8089/callback"], ["response_type", "code"], ["scope", "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level helseid://scopes/hpr/hpr_number test:api/read"], ["state", "20aa2a0d7c2798145b647de8df2d6993"], ["test_pid", "06828399789"]], "details": [], "dpop_jkt": null, "issuer": "http://localhost:8080", "pushed": true}',1800000600,1800000000,NULL);
INSERT INTO "authorization_request" VALUES(X'0000AD1B161505CD4431A9F9CE008B1619A6E7DE5DF70B276420813027F536C2','web','{"parameters": [["client_id", "web"], ["code_challenge", "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0"], ["code_challenge_method", "S256"], ["nonce", "1b69338cfe10862666b85a2194ced307"], ["redirect_uri", "http://localhost:8089/callback"], ["response_type", "code"], ["scope", "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level helseid://scopes/hpr/hpr_number test:api/read"], ["state", "20aa2a0d7c2798145b647de8df2d6993"], ["test_pid", "06828399789"]], "details": [], "dpop_jkt": null, "issuer": "http://localhost:8080", "pushed": true}',1800000600,1800000000,NULL);
INSERT INTO "authorization_request" VALUES(X'C985A82245A830904D19F3CCC113F5E79EC8BFC7A0D868F0D6F9C3A74C86C744','web','{"parameters": [["client_id", "web"], ["code_challenge", "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0"], ["code_challenge_method", "S256"], ["nonce", "1b69338cfe10862666b85a2194ced307"], ["redirect_uri", "http://localhost:8089/callback"], ["response_type", "code"], ["scope", "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level helseid://scopes/hpr/hpr_number test:api/read"], ["state", "20aa2a0d7c2798145b647de8df2d6993"]], "details": [], "dpop_jkt": null, "issuer": "http://localhost:8080", "pushed": true}',1800000600,NULL,NULL);
CREATE TABLE client (
    client_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (client_id)
)
 STRICT

;
INSERT INTO "client" VALUES('demo-machine','fixture','{"client_id": "demo-machine", "client_name": "Demo machine", "description": "Machine-to-machine as HelseID wants it today: private_key_jwt, DPoP, one organization", "grant_types": ["client_credentials"], "scope": ["mock:demo-api/read", "mock:demo-api/write"], "dpop_bound_access_tokens": true, "tenancy": "single-tenant", "organization": "213000012", "jwks": {"keys": [{"kty": "RSA", "kid": "TMLl34N9mmRLl2KOj6SZCo0DAHRtPL67u_mt9mD68MY", "use": "sig", "alg": "PS256", "n": "0RgwuKYJ6HQ29Ro0vKRcgdgT9rQNC0DcLB4g3rfrD477n2pOeF3YS_E5eOIuGMBgyeoUIe3TnXH-yYhgTkaTxo1oBFVLtrNpqjOZxGeRMWvdv-SD2q0-Lylw4ZpdifjZcTpREbdOJ11pHz3vWE5NOOS7x9DH5W5Qwm9MDwjtDlHGz84eoZfEWHFEabIIePdDBNVadLFEQL0W5QlF4eQiEg7HfwiyU1xnrfVnyE5U2pS8EoDZf8TACjzsyLV3SNNKxXFH5zpzmrxinVHx_HNprRNHJrPeHN05KYJnYV1hiqMaxt0QnerTJknhEDpFKzEVidvo1-PUYo87Gb7jWlrRaIJvmXQ7gPIT_OUvq3_Nvuggiz5sdoKflsC5D_aFVp6SP1hvl_RSBLHkrVqGbIJM0AaBa9whpsb2k_GbG5BV1Wz-3x7JzziaXqDU135gpK5ZV7iFz0Fz8uoWvUxxH0SlfppxJEP6lqgSRBSBkWa6OuxKEp-8e2VNugkpyZ465MJT", "e": "AQAB"}]}}');
INSERT INTO "client" VALUES('web','made','{"client_id": "web", "client_name": "Name of web", "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level helseid://scopes/hpr/hpr_number test:api/read", "jwks": {"keys": [{"kty": "RSA", "alg": "RS256", "n": "kpIlE_CyLJMkTQVcPq7R2xGTzYp-33jz1TAr2dDHvfAHuckbUEC9yqKI2aOli7wG0IHspQFAkHp5wlCnOWI5mMNNt47t311pbbxJ_d_nD7tqaceQoYJtt_MosP9zcWaBmvufoA1kEdgjy9FLbQddL-VEiCud50L5-6G6qebgdpAc2OEZ65JqePflEkSDI58pGEtXn_J8LQZ9uEgaq2E0P4SuVclnwXfWD6HqIy8herCc9oZ46S5JNQknWZBPneLJrps87yAcuyJKlrTmyoEuAc14-u8gPOgHYyT08Z9pDlaS-kQ8qJGm_BhnB8UB3zi6hl0kGKvNVaJLjKChayAzBw", "e": "AQAB"}]}, "redirect_uris": ["http://localhost:8089/callback"]}');
CREATE TABLE journal (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    client_id TEXT,
    outcome TEXT NOT NULL,
    error TEXT,
    rule TEXT,
    findings TEXT NOT NULL,
    detail TEXT NOT NULL,
    challenged BLOB,
    PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "journal" VALUES(5,1800000000,'/connect/authorize','web','granted',NULL,NULL,'{"broken":[],"met":["request-uri.fresh","request-uri.alive","request-uri.own","request-uri.alone"]}','{"parameters":{"client_id":["web"],"request_uri":"(not kept)"}}',NULL);
INSERT INTO "journal" VALUES(6,1800000000,'/connect/par','web','granted',NULL,NULL,'{"broken":[{"rule":"client-assertion.kid","level":"should","title":"The header names a registered key (kid)","expected":"the kid of a registered key","observed":"kid is None","remedy":"set kid in the header to the kid of the registered key","source":"HelseID documentation, Bruk av client assertion"},{"rule":"client.key-size-advice","level":"should","title":"RSA keys have at least 3072 bits","expected":"at least 3072 bits","observed":"[2048] bits","remedy":"make an RSA key of 3072 bits or an EC key, and register it","source":"NSM Cryptographic Recommendations"},{"rule":"client.key-named","level":"should","title":"Each registered key has a kid and an alg","expected":"kid and alg in each","observed":"1 without kid or alg","remedy":"add kid (the RFC 7638 thumbprint will do) and alg to the JWK","source":"HelseID documentation, Selvbetjening"}],"met":["form.method","form.content-type","form.readable","client-assertion.credentials","client-assertion.sole","client-assertion.type","client-assertion.readable","client-assertion.registered","client-assertion.algorithm","client-assertion.algorithm-allowed","client-assertion.signature","client-assertion.issuer","client-assertion.client-id","client-assertion.audience","client-assertion.audience-issuer","client-assertion.typ","client-assertion.expires","client-assertion.not-expired","client-assertion.not-before","client-assertion.clock","client-assertion.lifetime","client-assertion.lifetime-limit","client-assertion.lifetime-target","client-assertion.times-present","client-assertion.times-numbers","client-assertion.jti","client-assertion.single-use","client-assertion.fresh-after-challenge","client-assertion.key-algorithm","client-assertion.curve","client.keys","client.key-size","client.key-own","client.dpop","client.par","client.redirect-uris","dpop-header.one-proof","authorization-request.no-request-uri","authorization-request.pushed","authorization-request.pushed-always","authorization-request.signed","authorization-request.redirect-uri","authorization-request.response-type-present","authorization-request.response-type","authorization-request.grant-allowed","authorization-request.challenge-present","authorization-request.challenge-form","authorization-request.challenge-method","authorization-request.scope-present","authorization-request.scopes-length","authorization-request.openid","authorization-request.scope-allowed","authorization-request.resource-length","authorization-request.resource-form","authorization-request.resource-known","authorization-request.state-length","authorization-request.nonce-length","authorization-request.prompt-known","authorization-request.prompt-none-alone","authorization-request.state-or-nonce"]}','{"parameters":{"client_id":["web"],"client_assertion_type":["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],"client_assertion":"(not kept)","response_type":["code"],"scope":["openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level helseid://scopes/hpr/hpr_number test:api/read"],"redirect_uri":["http://localhost:8089/callback"],"code_challenge":["uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0"],"code_challenge_method":["S256"],"state":"(not kept)","nonce":"(not kept)"},"client_assertion":{"header":{"alg":"RS256","typ":"client-authentication+jwt"},"claims":{"iss":"web","sub":"web","aud":"http://localhost:8080","nbf":1800000000,"iat":1800000000,"exp":1800000010,"jti":"4e55d69641569ae6e66b02842cc3c0f5"}}}',NULL);
INSERT INTO "journal" VALUES(7,1800000000,'/connect/userinfo','web','granted',NULL,NULL,'{"broken":[],"met":["access-token.good","access-token.alive","access-token.not-revoked","access-token.header","token-use.scope"]}','{}',NULL);
CREATE TABLE login_order (
    id INTEGER NOT NULL,
    client_id TEXT,
    redirect_uri TEXT,
    pid TEXT,
    outcome TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "login_order" VALUES(1,NULL,NULL,'06828399789','success',2);
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
 STRICT

;
INSERT INTO "login_session" VALUES(X'5A3745E70236F1E52794778C265D86DA3999E7B2432A783A9335EC928106C53C','default','425264831232E29A4C4B0AB037549F1D',1800000000,'{"pid": "06828399789", "auth_time": 1800000000, "began_at": 1800000000, "idp": "testidp-oidc", "eid": "test", "amr": ["pwd"], "security_level": "4", "hpr_number": null}',1800028800,NULL,1800115200);
INSERT INTO "login_session" VALUES(X'4CB24E16A502DA4E4138E63889D5C53BB524B70E44448F9AE7F5E5474DB572B7','default','2F100A0575CD217D6CFC72670CDB7136',1800000000,'{"pid": "06828399789", "auth_time": 1800000000, "began_at": 1800000000, "idp": "testidp-oidc", "eid": "test", "amr": ["pwd"], "security_level": "4", "hpr_number": null}',1800028800,NULL,1800115200);
CREATE TABLE meta (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "meta" VALUES('schema_version','3');
INSERT INTO "meta" VALUES('fixtures_digest','c5e0248449223a9c362e315ec4cdef53ba3cd26b57290a46f256e83edc870615');
INSERT INTO "meta" VALUES('fixtures_folders','["/tmp/old-e90c1d1/fixtures"]');
CREATE TABLE organization (
    number TEXT NOT NULL,
    origin TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (number)
)
 STRICT

;
INSERT INTO "organization" VALUES('123123123','fixture','{"number": "123123123", "description": "A parent in the test token demo.", "sample": "NorskHelsenett/HelseID.Samples", "oddities": ["It is a placeholder."]}');
INSERT INTO "organization" VALUES('111222333','fixture','{"number": "111222333", "description": "A parent in the unit tests of NHN''s .NET library.", "sample": "NorskHelsenett/HelseID.Library", "oddities": ["Its check digit is wrong; kept as the samples have it.", "It is a placeholder."]}');
CREATE TABLE persona (
    pid TEXT NOT NULL,
    persona TEXT,
    hpr_number TEXT,
    origin TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (pid)
)
 STRICT

;
INSERT INTO "persona" VALUES('06828399789','kvart-grevling','565505933','fixture','{"pid": "06828399789", "persona": "kvart-grevling", "given_name": "KVART", "family_name": "GREVLING", "description": "A doctor, the person in HelseID''s documented userinfo answer.", "sample": "HelseID documentation", "hpr_number": "565505933", "authorizations": [{"profession": "LE", "authorization": {"value": "1", "description": "Autorisasjon"}, "requisition_rights": [{"value": "1", "description": "Full rekvisisjonsrett"}], "specialities": []}]}');
CREATE TABLE refresh_token (
    digest BLOB NOT NULL,
    client_id TEXT NOT NULL,
    document TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "refresh_token" VALUES(X'CD94FB94A1B1C83AFD09EF001C25D2FB6CD75E87BABA83622EF848D0E6A74F1A','web','{"issuer": "http://localhost:8080", "redirect_uri": "http://localhost:8089/callback", "scopes": ["openid", "profile", "offline_access", "helseid://scopes/identity/pid", "helseid://scopes/identity/security_level", "helseid://scopes/hpr/hpr_number", "test:api/read"], "resources": [], "details": [], "nonce": "1b69338cfe10862666b85a2194ced307", "state": "20aa2a0d7c2798145b647de8df2d6993", "code_challenge": "uhh_ubJKmpEgh_OfvyPqekVQhXTYSuLbcvSyyX9FFw0", "dpop_jkt": null, "on_behalf_of": null, "login": {"pid": "06828399789", "auth_time": 1800000000, "began_at": 1800000000, "idp": "testidp-oidc", "eid": "test", "amr": ["pwd"], "security_level": "4", "hpr_number": null}, "sid": "425264831232E29A4C4B0AB037549F1D", "family": "F891321779657722", "has_proof": true, "refresh_expires_at": 1800028800}',1800028800,NULL);
CREATE TABLE replay (
    digest BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "replay" VALUES(X'31BBAC8B0ECE22F89CBBBE9864D656A30E7807B89CCDE9B01540E3959B96A4A2',1800000370);
INSERT INTO "replay" VALUES(X'213CE497D75B8BC69425F6BDB2D2493DBF7A10DD01FC5EA7140D9C7AF7F378FC',1800000370);
CREATE TABLE revision (
    id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (id)
)
 STRICT

;
INSERT INTO "revision" VALUES(1,727932398);
CREATE TABLE server_secret (
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "server_secret" VALUES('dpop-nonce',X'5170F7184119B3830ECA72048AA5435F80B0DFAFBBE9C1CDF9CA551481FB9F8A');
INSERT INTO "server_secret" VALUES('seal',X'E16F07C54D8E6BEF746C185F7015386C4C49BB02DD4C20D15235D59CF4E02DFA');
INSERT INTO "server_secret" VALUES('instance',X'610CAA59');
CREATE TABLE session_client (
    sid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (sid, client_id)
)
 STRICT

;
INSERT INTO "session_client" VALUES('425264831232E29A4C4B0AB037549F1D','web','http://localhost:8080',1800115200);
INSERT INTO "session_client" VALUES('2F100A0575CD217D6CFC72670CDB7136','web','http://localhost:8080',1800115200);
CREATE TABLE signing_key (
    kid TEXT NOT NULL,
    jwk TEXT NOT NULL,
    certificate TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (kid)
)
 STRICT

;
INSERT INTO "signing_key" VALUES('F8B559D2D968720532B0C21D78F499A6C0309A57','{"kty": "RSA", "kid": "F8B559D2D968720532B0C21D78F499A6C0309A57", "use": "sig", "alg": "RS256", "n": "mRb9ArxspHa6yVttpzhaUFcN2_HQRQKlUMQInWVgk9dRDoa7kzbl8dXx5iZjib4CQnN0dOjATzlH0nKJGCH8__GnE1bDPY7sQOAn0GfOgH7ge0KmR3vCXSb9AyNrosBgPU6oeJ1Ck3lM6LW7Ky9y0Pe8uDepiR01Y-3sMZIipZI5Y43EZvzyDtxH3wdnNq8oeqoOzoSpg6jG1eH8Lndp0ZDVIEYUXg16TQAzHiE3VksLZDO5YFZDGTe4PGWUmI8fjPrfI7hTYb5hjx1RyjeIWdKCrgMgdhiYE-jiQIG7leHAx1lM9ORj-U4iIETG1v55M6xXRlqG-PvXuRZwgY3mEirNreSCqSGu0M5GqML6Zhd7AMYTERZ4sYFUjp93PI8KtUe9oLCyz-aDgRwVxQYqZNyV93lX5cllpc5hsQ6NhRntZLSrS6n-KDFvvAAX7gZoG4OuNUeSdjGsUfP4TU4shin6fNL7WzGkeDDy57Wdwi4P6qQ65k7el3zySBFh4PJP", "e": "AQAB", "d": "CEWcN992NVrEU_37NPu6sY2f-OrzgyRrSgEVqr-KvOJNBcO_nerro39uby5S1uNWnEBAd31eFXR1uN1_Io0vmPrLOXnI2eoqQi_P0ZcnqtIa5L4gsvXGdkxq2RZltKkVaiqhDXIIjLm-BJ2mi-T9R2T4zwa-7o2OpXl6d4vluwblepzIkydcGEkhybTM3cEQJwn0-9wM4XQnWPDkNJ83hLSBN5m3HwU2abO25La3FpQT0lRofK1HOd_EtjVnlpNhHmnxQTQSpeCBl35oXdEdn9dH1exbZ81zEF3yW_yLlaomyHdLov7ODvj1lQ-IS8rzj3bwaPTcoeL9KJxMYEAjYTDDBtQeboV5ABg5PN5nPGQqqQPF5XlyCSxvWH7SyV8eaOJuE-1Dshqv5YRJRQP-ijEnjJQ4gvcYv2AOgFHA085E31k93AE50mQYNdLUXmMisvUapXGzs1qk_WQt3rscHqJyIhBRrllR_PMku7Tw7jJjjmfmNYAy5eqJHFJ_Jv-h", "p": "14CanTIr9Yh41Kz7P66YZqKr_5V1F0deSfYYI8TYZczIQuHhNpb0_lka29R4JKezX10CjZ30ZZb1ZvzEV19YlW2xc2hOHf4c4Q3SgsrC54guVjdA8kZktR0asGfdvPnjDq_L-dhGhGQ9DgCXrbprsjI3Ay-s5ysjoUJEEYiEdPUbwU3wYP_c7MV7l0MuabrxHjJzxRgBjCsoyaHLm1M1ekzQoLlGRWPHYtQy9Xm4DZUnQq8TBwitDU2WYIvyJvvh", "q": "tdvWoVhRt6xBGAibu6WeGxlnMQXkzq0pUcX2u8_93FNyhtix9F6WSZLykO2Qiy_LKTSak2n741dEBFQiUswUr82dCQO1_Dk1Q8Bn0-tdf7xMQWnG-0Gc4BQ7odc2lorYTCGIDgGYydk-Os1obfrMHmpi-US7w9xRVXHe0mlDsCT2cFF_SytBwVybuTxsHyg9czFHjktpjxGJo32jwWqPNFrlpqrp0o9Xos4jtW90wBrZM0fZon6vdxGDJTorbzQv", "dp": "wvUUayvNewZokbagYf843nlB8ymp0VJ-aZjaQ9m8D3SQo3knvrQYldXUp5Vyz25rptVFDwsb46ALCI2ZrpWSVTT0eTyelyGhzLQtgqeeZcncaaD4_3VRfEwFLhv5DRJgKJQ_ixruyKzKU1WT4tYowgANprNFz6hGRoflfpsrgYeRAXLaCVbP7d_GrJRZc8tsgO4Rr_fExqLw9mCKC03ernK5tv2GJhZbdfwU0eC48ojCCODL7OwbalKLvXI9sqjh", "dq": "XSXdKYczVADG1qiSG-sYsIiyckmyiKnpIBll540BWnjjkG4tuB06nTTHSbRk9OXmCZUIF7mRa0CndhAiBIbDkcifRp6_-BDVV36Vr9Y-bc7kwByN7uQMljnG0X6KV1GGuHf0WDg5Kio71aKgerSbGHkleMfb5NZUUo-gseV45iAImj8kFDxz0ba9jIOGXe8eioITRK8bwkwZU8RmvAr4jriAKH4ihdcl7B3p7GTKSBt4ZOvIbZK2DSbLJaZF2Q_B", "qi": "y1ZOjvb_31D1ThGfcTxt_iKXwKxG8rPnlD8zl4D7dLoW-S2j58PbLJqBnvX9A4LLy6Fz87h5B9b51vs1P0AjEOO0TNRuHb3tGXI-FovUKqvKf9vuJrKVb2BZu1YACAiDaJHnWKjeL59bMkcs_dMBNzqXNGWxRwpHIRzyU5BrYMXjJ6-u46zGb_pmD92avO9eeYJv6qecYWcB0TbjMz7vldO-i4707OTLbx3_1fHyl5JrlCwNMJ2UWcFodI1BqVd8"}','MIID4jCCAkqgAwIBAgIUGxb+m1TDILIN44fAfE+fYcSapWcwDQYJKoZIhvcNAQELBQAwKzEpMCcGA1UEAwwgTW9jayBIZWxzZUlEIFNUUywgZm9yIHRlc3RzIG9ubHkwHhcNMjYwMTAxMDAwMDAwWhcNMzUxMjMwMDAwMDAwWjArMSkwJwYDVQQDDCBNb2NrIEhlbHNlSUQgU1RTLCBmb3IgdGVzdHMgb25seTCCAaIwDQYJKoZIhvcNAQEBBQADggGPADCCAYoCggGBAJkW/QK8bKR2uslbbac4WlBXDdvx0EUCpVDECJ1lYJPXUQ6Gu5M25fHV8eYmY4m+AkJzdHTowE85R9JyiRgh/P/xpxNWwz2O7EDgJ9BnzoB+4HtCpkd7wl0m/QMja6LAYD1OqHidQpN5TOi1uysvctD3vLg3qYkdNWPt7DGSIqWSOWONxGb88g7cR98HZzavKHqqDs6EqYOoxtXh/C53adGQ1SBGFF4Nek0AMx4hN1ZLC2QzuWBWQxk3uDxllJiPH4z63yO4U2G+YY8dUco3iFnSgq4DIHYYmBPo4kCBu5XhwMdZTPTkY/lOIiBExtb+eTOsV0Zahvj717kWcIGN5hIqza3kgqkhrtDORqjC+mYXewDGExEWeLGBVI6fdzyPCrVHvaCwss/mg4EcFcUGKmTclfd5V+XJZaXOYbEOjYUZ7WS0q0up/igxb7wAF+4GaBuDrjVHknYxrFHz+E1OLIYp+nzS+1sxpHgw8ue1ncIuD+qkOuZO3pd88kgRYeDyTwIDAQABMA0GCSqGSIb3DQEBCwUAA4IBgQBKH3NB8sic9S7i3UCXeXFH4qknYdmglFg8NxlDkWtVuQTaU6TfcERu31QBbltoNfPrYLH9zwDxU8bUU3bjsYWMLMWQXuroPZET6Yrh1HWMSgN/k6ZyL/9nfkOhT7tWwGi990G2BrrVHev1nDaUOnb5GpX1gaE3nM/prR5k0ndY1ibpvLK6kqJ2PRpZYYQbk1OYFi/3QIUcjKoWe74OG51XJAooM8GcICKZks1rMiYGyb7rpLVQng65EdiqBHBjPQGtTb+bg8iZ7pD/Ohb5W9/9vggtHNw2NKsNlwGUOseyL3g/XnLDgHct5yywTL6O2UU5cmxomv0z15MJBG1Fy+unI/mDh8NOLiYqpB8V2CoVnduYQo+Ela3HhBlTHZRo47wL+FHOtzDU2dpO3G60J901pM0eVviYZhgy3x9VBEC9STgznOX+bE7reskoFO+HwPU+sYjcydDt5u0aKyDRcQCD4vQ9jDAWQMOq4Vx6CbaZbwnLx9DYvVtIYB0SLDjanE4=','active',1800000000);
CREATE INDEX replay_expires_at ON replay (expires_at);
CREATE INDEX authorization_request_expires_at ON authorization_request (expires_at);
CREATE INDEX authorization_code_expires_at ON authorization_code (expires_at);
CREATE INDEX refresh_token_expires_at ON refresh_token (expires_at);
CREATE INDEX login_session_sid ON login_session (sid, auth_time);
CREATE INDEX login_session_expires_at ON login_session (expires_at);
CREATE INDEX session_client_expires_at ON session_client (expires_at);
CREATE INDEX journal_challenged ON journal (challenged) WHERE challenged IS NOT NULL;
CREATE INDEX journal_client_id ON journal (client_id, id);
CREATE TRIGGER organization_insert AFTER INSERT ON organization BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER organization_update AFTER UPDATE ON organization BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER organization_delete AFTER DELETE ON organization BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER persona_insert AFTER INSERT ON persona BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER persona_update AFTER UPDATE ON persona BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER persona_delete AFTER DELETE ON persona BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER api_insert AFTER INSERT ON api BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER api_update AFTER UPDATE ON api BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER api_delete AFTER DELETE ON api BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER client_insert AFTER INSERT ON client BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER client_update AFTER UPDATE ON client BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
CREATE TRIGGER client_delete AFTER DELETE ON client BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END;
COMMIT;
