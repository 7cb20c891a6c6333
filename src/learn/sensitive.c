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
static const char in_home[] =
	".ssh\0"                         "it holds SSH keys\0"
	".gnupg\0"                       "it holds GnuPG keys\0"
	".aws\0"                         "it holds cloud credentials\0"
	".azure\0"                       "it holds cloud credentials\0"
	".config/gcloud\0"               "it holds cloud credentials\0"
	".config/doctl\0"                "it holds cloud credentials\0"
	".oci\0"                         "it holds cloud credentials\0"
	".boto\0"                        "it holds cloud credentials\0"
	".s3cfg\0"                       "it holds cloud credentials\0"
	".kube\0"                        "it holds cluster credentials\0"
	".docker\0"                      "it holds registry credentials\0"
	".config/containers\0"           "it holds registry credentials\0"
	".netrc\0"                       "it holds passwords\0"
	"_netrc\0"                       "it holds passwords\0"
	".git-credentials\0"             "it holds passwords\0"
	".config/git/credentials\0"      "it holds passwords\0"
	".config/gh\0"                   "it holds access tokens\0"
	".config/hub\0"                  "it holds access tokens\0"
	".config/glab-cli\0"             "it holds access tokens\0"
	".npmrc\0"                       "it may hold access tokens\0"
	".yarnrc.yml\0"                  "it may hold access tokens\0"
	".pypirc\0"                      "it holds access tokens\0"
	".config/pip\0"                  "it may hold passwords\0"
	".pip\0"                         "it may hold passwords\0"
	".cargo/credentials\0"           "it holds access tokens\0"
	".cargo/credentials.toml\0"      "it holds access tokens\0"
	".gem/credentials\0"             "it holds access tokens\0"
	".m2/settings.xml\0"             "it may hold passwords\0"
	".m2/settings-security.xml\0"    "it holds passwords\0"
	".gradle/gradle.properties\0"    "it may hold passwords\0"
	".terraform.d\0"                 "it holds access tokens\0"
	".vault-token\0"                 "it holds an access token\0"
	".pgpass\0"                      "it holds passwords\0"
	".my.cnf\0"                      "it may hold passwords\0"
	".mylogin.cnf\0"                 "it holds passwords\0"
	".password-store\0"              "it holds passwords\0"
	".local/share/keyrings\0"        "it holds passwords\0"
	".local/share/kwalletd\0"        "it holds passwords\0"
	".config/op\0"                   "it holds passwords\0"
	".mozilla\0"                     "it holds a browser's passwords and cookies\0"
	".config/google-chrome\0"        "it holds a browser's passwords and cookies\0"
	".config/chromium\0"             "it holds a browser's passwords and cookies\0"
	".config/BraveSoftware\0"        "it holds a browser's passwords and cookies\0"
	".claude\0"                      "it holds an agent's credentials and sessions\0"
	".claude.json\0"                 "it holds an agent's credentials and sessions\0"
	".codex\0"                       "it holds an agent's credentials and sessions\0"
	".gemini\0"                      "it holds an agent's credentials and sessions\0"
	".config/github-copilot\0"       "it holds an agent's credentials and sessions\0"
	".bash_history\0"                "it holds what was typed\0"
	".zsh_history\0"                 "it holds what was typed\0"
	".python_history\0"              "it holds what was typed\0"
	".node_repl_history\0"           "it holds what was typed\0"
	".psql_history\0"                "it holds what was typed\0"
	".mysql_history\0"               "it holds what was typed\0"
	".local/share/fish\0"            "it holds what was typed\0"
	".Xauthority\0"                  "it opens the caller's display\0"
	".ICEauthority\0"                "it opens the caller's display\0";

/* Anywhere but in the system's own directories. */
static const char named[] =
	".env\0"                         "it holds secrets of an application\0"
	".envrc\0"                       "it may hold secrets of an application\0"
	".env.*\0"                       "it holds secrets of an application\0"
	".netrc\0"                       "it holds passwords\0"
	".git-credentials\0"             "it holds passwords\0"
	".pgpass\0"                      "it holds passwords\0"
	".htpasswd\0"                    "it holds passwords\0"
	".pypirc\0"                      "it holds access tokens\0"
	".vault-token\0"                 "it holds an access token\0"
	"id_rsa*\0"                      "it is a private key\0"
	"id_dsa*\0"                      "it is a private key\0"
	"id_ecdsa*\0"                    "it is a private key\0"
	"id_ed25519*\0"                  "it is a private key\0"
	"*.key\0"                        "it is a private key\0"
	"*[-_.]key.pem\0"                "it is a private key\0"
	"key.pem\0"                      "it is a private key\0"
	"privkey*.pem\0"                 "it is a private key\0"
	"*.p12\0"                        "it is a private key\0"
	"*.pfx\0"                        "it is a private key\0"
	"*.jks\0"                        "it is a private key\0"
	"*.keystore\0"                   "it is a private key\0"
	"*.kdbx\0"                       "it holds passwords\0"
	"credentials.json\0"             "it holds credentials\0"
	"service-account*.json\0"        "it holds credentials\0"
	"service_account*.json\0"        "it holds credentials\0"
	"client_secret*.json\0"          "it holds credentials\0"
	"secrets.yaml\0"                 "it holds secrets of an application\0"
	"secrets.yml\0"                  "it holds secrets of an application\0"
	"secrets.json\0"                 "it holds secrets of an application\0"
	"secrets.toml\0"                 "it holds secrets of an application\0"
	"terraform.tfstate*\0"           "it holds secrets of what was deployed\0";

/* What is made to be shown. */
static const char samples[] = ".env.example\0" ".env.sample\0" ".env.template\0" ".env.dist\0" ".env.defaults\0" "*.pub\0";

static const char of_system[] =
	"etc/shadow\0"                  "it holds the passwords of the host\0"
	"etc/shadow-\0"                 "it holds the passwords of the host\0"
	"etc/gshadow\0"                 "it holds the passwords of the host\0"
	"etc/gshadow-\0"                "it holds the passwords of the host\0"
	"etc/sudoers\0"                 "it says who may become root\0"
	"etc/sudoers.d\0"               "it says who may become root\0"
	"etc/ssl/private\0"             "it holds private keys of the host\0"
	"etc/letsencrypt\0"             "it holds private keys of the host\0"
	"etc/krb5.keytab\0"             "it holds private keys of the host\0"
	"etc/wireguard\0"               "it holds private keys of the host\0"
	"run\0"                         "servers of the host listen there\0"
	"var/run\0"                     "servers of the host listen there\0"
	"var/lib/docker\0"              "it holds other containers\0"
	"var/lib/containers\0"          "it holds other containers\0"
	"var/lib/kubelet\0"             "it holds cluster credentials\0"
	"var/lib/sss\0"                 "it holds credentials of users\0"
	"var/spool\0"                   "it holds mail and jobs of users\0"
	"var/mail\0"                    "it holds mail of users\0"
	"var/backups\0"                 "it holds copies of the host's passwords\0"
	"boot\0"                        "it belongs to the host's kernel\0"
	"sys\0"                         "it is the host's kernel\0"
	"proc\0"                        "it is the host's kernel\0"
	"dev\0"                         "it holds the host's devices\0";

static const char variables[] =
	"*TOKEN*\0"                      "its name says that it is a secret\0"
	"*SECRET*\0"                     "its name says that it is a secret\0"
	"*PASSWORD*\0"                   "its name says that it is a secret\0"
	"*PASSWD*\0"                     "its name says that it is a secret\0"
	"*PASSPHRASE*\0"                 "its name says that it is a secret\0"
	"*CREDENTIAL*\0"                 "its name says that it is a secret\0"
	"*_KEY\0"                        "its name says that it is a secret\0"
	"*_KEY_*\0"                      "its name says that it is a secret\0"
	"*APIKEY*\0"                     "its name says that it is a secret\0"
	"*_PAT\0"                        "its name says that it is a secret\0"
	"*_AUTH\0"                       "its name says that it is a secret\0"
	"*_AUTH_*\0"                     "its name says that it is a secret\0"
	"*_DSN\0"                        "such an address has a password in it\0"
	"DATABASE_URL\0"                 "such an address has a password in it\0"
	"*_PROXY\0"                      "such an address may have a password in it\0"
	"*_proxy\0"                      "such an address may have a password in it\0"
	"PGPASS*\0"                      "its name says that it is a secret\0"
	"AWS_*\0"                        "it may be a credential\0";
/* clang-format on */

/* Row by row: a table without a pointer costs no run a relocation. */
struct row {
	const char *name;
	const char *why;
};

static bool next_row(const char **at, struct row *ret_row)
{
	if (!**at)
		return false;
	ret_row->name = *at;
	ret_row->why = *at + strlen(*at) + 1;
	*at = ret_row->why + strlen(ret_row->why) + 1;
	return true;
}

/* The reason of the first row whose pattern name matches. */
static const char *match(const char *table, const char *name)
{
	struct row row;

	while (next_row(&table, &row)) {
		if (fnmatch(row.name, name, 0) == 0)
			return row.why;
	}
	return NULL;
}

static bool is_system_file(const char *path)
{
	static const char dirs[] = "/usr\0/etc\0/bin\0/sbin\0/lib\0/lib64\0/nix\0";

	for (const char *dir = dirs; *dir; dir += strlen(dir) + 1) {
		if (path_is_within(path, dir))
			return true;
	}
	return false;
}

const char *sensitive_in_home(size_t i)
{
	const char *at = in_home;
	struct row row;

	while (next_row(&at, &row)) {
		if (i-- == 0)
			return row.name;
	}
	return NULL;
}

static const char *name_why(const char *name)
{
	for (const char *sample = samples; *sample; sample += strlen(sample) + 1) {
		if (fnmatch(sample, name, 0) == 0)
			return NULL;
	}
	return match(named, name);
}

/* The home of another user, and the host root's. */
static const char *other_home_why(const struct learn_places *places, const char *path)
{
	if (path_is_within(path, places->home) || path_is_within(places->home, path) ||
	    path_is_within(path, places->cwd) || path_is_within(places->cwd, path))
		return NULL;
	if (path_is_below(path, "/home") || path_is_within(path, "/root"))
		return "it is another user's home";
	return NULL;
}

/* Of table, the row that path, or what it lies in, is. base: what the rows are relative to. */
static const char *place_why(const char *table, const char *path, const char *base)
{
	struct row row;

	if (!path_is_below(path, base))
		return NULL;
	const char *rest = path_rest(path, base);
	while (next_row(&table, &row)) {
		size_t len = strlen(row.name);

		if (strncmp(rest, row.name, len) == 0 && (rest[len] == '/' || !rest[len]))
			return row.why;
	}
	return NULL;
}

const char *sensitive_why(const struct learn_places *places, const char *path)
{
	const char *why = other_home_why(places, path);

	if (!why)
		why = place_why(of_system, path, "/");
	if (!why)
		why = place_why(in_home, path, places->home);
	if (!why && !is_system_file(path))
		why = name_why(strrchr(path, '/') + 1);
	return why;
}

const char *sensitive_variable_why(const char *name)
{
	return match(variables, name);
}
