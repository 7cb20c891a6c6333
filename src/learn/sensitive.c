/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What holds secrets, by name and place: see places.h. No list is complete; it keeps the usual
 * finds out of a learning run's reach and out of proposals, and is no wall.
 */
#include <fnmatch.h>
#include <string.h>

#include "learn/places.h"
#include "policy/paths.h"

/* clang-format off */
static const struct {
	const char *path; /* below the home */
	const char *why;
} in_home[] = {
	{ ".ssh",			"it holds SSH keys" },
	{ ".gnupg",			"it holds GnuPG keys" },
	{ ".aws",			"it holds cloud credentials" },
	{ ".azure",			"it holds cloud credentials" },
	{ ".config/gcloud",		"it holds cloud credentials" },
	{ ".config/doctl",		"it holds cloud credentials" },
	{ ".oci",			"it holds cloud credentials" },
	{ ".boto",			"it holds cloud credentials" },
	{ ".s3cfg",			"it holds cloud credentials" },
	{ ".kube",			"it holds cluster credentials" },
	{ ".docker",			"it holds registry credentials" },
	{ ".config/containers",		"it holds registry credentials" },
	{ ".netrc",			"it holds passwords" },
	{ "_netrc",			"it holds passwords" },
	{ ".git-credentials",		"it holds passwords" },
	{ ".config/git/credentials",	"it holds passwords" },
	{ ".config/gh",			"it holds access tokens" },
	{ ".config/hub",		"it holds access tokens" },
	{ ".config/glab-cli",		"it holds access tokens" },
	{ ".npmrc",			"it may hold access tokens" },
	{ ".yarnrc.yml",		"it may hold access tokens" },
	{ ".pypirc",			"it holds access tokens" },
	{ ".config/pip",		"it may hold passwords" },
	{ ".pip",			"it may hold passwords" },
	{ ".cargo/credentials",		"it holds access tokens" },
	{ ".cargo/credentials.toml",	"it holds access tokens" },
	{ ".gem/credentials",		"it holds access tokens" },
	{ ".m2/settings.xml",		"it may hold passwords" },
	{ ".m2/settings-security.xml",	"it holds passwords" },
	{ ".gradle/gradle.properties",	"it may hold passwords" },
	{ ".terraform.d",		"it holds access tokens" },
	{ ".vault-token",		"it holds an access token" },
	{ ".pgpass",			"it holds passwords" },
	{ ".my.cnf",			"it may hold passwords" },
	{ ".mylogin.cnf",		"it holds passwords" },
	{ ".password-store",		"it holds passwords" },
	{ ".local/share/keyrings",	"it holds passwords" },
	{ ".local/share/kwalletd",	"it holds passwords" },
	{ ".config/op",			"it holds passwords" },
	{ ".mozilla",			"it holds a browser's passwords and cookies" },
	{ ".config/google-chrome",	"it holds a browser's passwords and cookies" },
	{ ".config/chromium",		"it holds a browser's passwords and cookies" },
	{ ".config/BraveSoftware",	"it holds a browser's passwords and cookies" },
	{ ".claude",			"it holds an agent's credentials and sessions" },
	{ ".claude.json",		"it holds an agent's credentials and sessions" },
	{ ".codex",			"it holds an agent's credentials and sessions" },
	{ ".gemini",			"it holds an agent's credentials and sessions" },
	{ ".config/github-copilot",	"it holds an agent's credentials and sessions" },
	{ ".bash_history",		"it holds what was typed" },
	{ ".zsh_history",		"it holds what was typed" },
	{ ".python_history",		"it holds what was typed" },
	{ ".node_repl_history",		"it holds what was typed" },
	{ ".psql_history",		"it holds what was typed" },
	{ ".mysql_history",		"it holds what was typed" },
	{ ".local/share/fish",		"it holds what was typed" },
	{ ".Xauthority",		"it opens the caller's display" },
	{ ".ICEauthority",		"it opens the caller's display" },
};

/* Anywhere but in the system's own directories. */
static const struct {
	const char *name; /* of a file, as fnmatch(3) has it */
	const char *why;
} named[] = {
	{ ".env",			"it holds secrets of an application" },
	{ ".envrc",			"it may hold secrets of an application" },
	{ ".env.*",			"it holds secrets of an application" },
	{ ".netrc",			"it holds passwords" },
	{ ".git-credentials",		"it holds passwords" },
	{ ".pgpass",			"it holds passwords" },
	{ ".htpasswd",			"it holds passwords" },
	{ ".pypirc",			"it holds access tokens" },
	{ ".vault-token",		"it holds an access token" },
	{ "id_rsa*",			"it is a private key" },
	{ "id_dsa*",			"it is a private key" },
	{ "id_ecdsa*",			"it is a private key" },
	{ "id_ed25519*",		"it is a private key" },
	{ "*.key",			"it is a private key" },
	{ "*[-_.]key.pem",		"it is a private key" },
	{ "key.pem",			"it is a private key" },
	{ "privkey*.pem",		"it is a private key" },
	{ "*.p12",			"it is a private key" },
	{ "*.pfx",			"it is a private key" },
	{ "*.jks",			"it is a private key" },
	{ "*.keystore",			"it is a private key" },
	{ "*.kdbx",			"it holds passwords" },
	{ "credentials.json",		"it holds credentials" },
	{ "service-account*.json",	"it holds credentials" },
	{ "service_account*.json",	"it holds credentials" },
	{ "client_secret*.json",	"it holds credentials" },
	{ "secrets.yaml",		"it holds secrets of an application" },
	{ "secrets.yml",		"it holds secrets of an application" },
	{ "secrets.json",		"it holds secrets of an application" },
	{ "secrets.toml",		"it holds secrets of an application" },
	{ "terraform.tfstate*",		"it holds secrets of what was deployed" },
};

/* What is made to be shown. */
static const char *const samples[] = {
	".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "*.pub",
};

static const struct {
	const char *path;
	const char *why;
} of_system[] = {
	{ "/etc/shadow",		"it holds the passwords of the host" },
	{ "/etc/shadow-",		"it holds the passwords of the host" },
	{ "/etc/gshadow",		"it holds the passwords of the host" },
	{ "/etc/gshadow-",		"it holds the passwords of the host" },
	{ "/etc/sudoers",		"it says who may become root" },
	{ "/etc/sudoers.d",		"it says who may become root" },
	{ "/etc/ssl/private",		"it holds private keys of the host" },
	{ "/etc/letsencrypt",		"it holds private keys of the host" },
	{ "/etc/krb5.keytab",		"it holds private keys of the host" },
	{ "/etc/wireguard",		"it holds private keys of the host" },
	{ "/run",			"servers of the host listen there" },
	{ "/var/run",			"servers of the host listen there" },
	{ "/var/lib/docker",		"it holds other containers" },
	{ "/var/lib/containers",	"it holds other containers" },
	{ "/var/lib/kubelet",		"it holds cluster credentials" },
	{ "/var/lib/sss",		"it holds credentials of users" },
	{ "/var/spool",			"it holds mail and jobs of users" },
	{ "/var/mail",			"it holds mail of users" },
	{ "/var/backups",		"it holds copies of the host's passwords" },
	{ "/boot",			"it belongs to the host's kernel" },
	{ "/sys",			"it is the host's kernel" },
	{ "/proc",			"it is the host's kernel" },
	{ "/dev",			"it holds the host's devices" },
};

static const struct {
	const char *name;
	const char *why;
} variables[] = {
	{ "*TOKEN*",	  "its name says that it is a secret" },
	{ "*SECRET*",	  "its name says that it is a secret" },
	{ "*PASSWORD*",	  "its name says that it is a secret" },
	{ "*PASSWD*",	  "its name says that it is a secret" },
	{ "*PASSPHRASE*", "its name says that it is a secret" },
	{ "*CREDENTIAL*", "its name says that it is a secret" },
	{ "*_KEY",	  "its name says that it is a secret" },
	{ "*_KEY_*",	  "its name says that it is a secret" },
	{ "*APIKEY*",	  "its name says that it is a secret" },
	{ "*_PAT",	  "its name says that it is a secret" },
	{ "*_AUTH",	  "its name says that it is a secret" },
	{ "*_AUTH_*",	  "its name says that it is a secret" },
	{ "*_DSN",	  "such an address has a password in it" },
	{ "DATABASE_URL", "such an address has a password in it" },
	{ "*_PROXY",	  "such an address may have a password in it" },
	{ "*_proxy",	  "such an address may have a password in it" },
	{ "PGPASS*",	  "its name says that it is a secret" },
	{ "AWS_*",	  "it may be a credential" },
};
/* clang-format on */

static bool is_system_file(const char *path)
{
	static const char *const dirs[] = { "/usr", "/etc", "/bin",   "/sbin",
					    "/lib", "/opt", "/lib64", "/nix" };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		if (path_is_within(path, dirs[i]))
			return true;
	}
	return false;
}

const char *sensitive_in_home(size_t i)
{
	return i < sizeof in_home / sizeof *in_home ? in_home[i].path : NULL;
}

static const char *name_why(const char *name)
{
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		if (fnmatch(samples[i], name, 0) == 0)
			return NULL;
	}
	for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
		if (fnmatch(named[i].name, name, 0) == 0)
			return named[i].why;
	}
	return NULL;
}

/* The home of another user, and the host root's. */
static const char *other_home_why(const struct learn_places *places, const char *path)
{
	const char *rest = NULL;

	if (path_is_within(path, places->home) || path_is_within(places->home, path) ||
	    path_is_within(path, places->cwd) || path_is_within(places->cwd, path))
		return NULL;
	if (path_is_below(path, "/home"))
		rest = path_rest(path, "/home");
	if (rest || path_is_within(path, "/root"))
		return "it is another user's home";
	return NULL;
}

const char *sensitive_why(const struct learn_places *places, const char *path)
{
	const char *why = other_home_why(places, path);

	for (size_t i = 0; !why && i < sizeof of_system / sizeof *of_system; i++) {
		if (path_is_within(path, of_system[i].path))
			why = of_system[i].why;
	}
	if (!why && path_is_below(path, places->home)) {
		const char *rest = path_rest(path, places->home);

		for (size_t i = 0; !why && i < sizeof in_home / sizeof *in_home; i++) {
			size_t len = strlen(in_home[i].path);

			if (strncmp(rest, in_home[i].path, len) == 0 &&
			    (rest[len] == '/' || !rest[len]))
				why = in_home[i].why;
		}
	}
	if (!why && !is_system_file(path))
		why = name_why(strrchr(path, '/') + 1);
	return why;
}

const char *sensitive_variable_why(const char *name)
{
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		if (fnmatch(variables[i].name, name, 0) == 0)
			return variables[i].why;
	}
	return NULL;
}
