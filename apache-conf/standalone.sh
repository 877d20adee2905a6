#!/bin/sh
# Prints an httpd.conf that serves Pontage alone, without root and without any
# file outside one folder: for ./run and the end-to-end tests.
#
#	apache-conf/standalone.sh STATE PORT apache|fcgid|cgi [PROGRAMS] >STATE/httpd.conf
#	apache2 -f STATE/httpd.conf -DFOREGROUND
#
# STATE: absolute, without blanks; holds pontage.conf, the sockets, and what
# Apache writes.  PROGRAMS: the folder of relay.fcgi and admin.fcgi, where Apache
# starts them; with cgi: the folder of the site, with its .htaccess.
set -eu

state=$1
port=$2
kind=$3
here=$(cd "$(dirname "$0")/.." && pwd)
programs=${4:-$here/build}
modules=/usr/lib/apache2/modules

load() {
	for name in "$@"; do
		echo "LoadModule ${name}_module $modules/mod_$name.so"
	done
}

# What the process manager of fcgid takes only outside of VirtualHost.
outside=
case $kind in
apache)
	load proxy proxy_fcgi
	site=locations.conf
	;;
fcgid)
	load fcgid
	outside="FcgidIPCDir $state/tmp
FcgidProcessTableFile $state/tmp/fcgid_shm
Include $here/apache-conf/fcgid-server.conf"
	site=fcgid.conf
	;;
cgi)
	load cgid
	outside="ScriptSock $state/tmp/cgid.sock"
	;;
*)
	echo "standalone: want apache, fcgid or cgi, got \"$kind\"" >&2
	exit 64
	;;
esac
load mpm_event alias authz_core authz_host dir env headers mime reqtimeout \
	rewrite setenvif unique_id

cat <<END
Define PONTAGE_APACHE $here/apache-conf
Define PONTAGE_HTDOCS $here/htdocs
Define PONTAGE_RUN $state
Define PONTAGE_PROGRAMS $programs
Define PONTAGE_CONF ${PONTAGE_CONF:-$state/pontage.conf}

ServerRoot $state
ServerName localhost
DefaultRuntimeDir $state/tmp
PidFile $state/apache.pid
# Not "file": with threads its fcntl() sees deadlocks that are none.
Mutex flock:$state/tmp
ErrorLog $state/apache-error.log
LogLevel warn
Listen 127.0.0.1:$port
ListenBacklog 4096
TypesConfig /dev/null
ServerTokens Prod
KeepAliveTimeout 5
MaxKeepAliveRequests 0

# A thread for each open stream.
ServerLimit 16
ThreadsPerChild 64
MaxRequestWorkers 1024
StartServers 2
AsyncRequestWorkerFactor 4

<Directory />
	Require all denied
	AllowOverride None
	Options None
</Directory>
$outside
<VirtualHost 127.0.0.1:$port>
	ServerName localhost
END

if [ "$kind" = cgi ]; then
	# What a host gives its customers.
	cat <<END
	DocumentRoot $programs
	<Directory $programs>
		Require all granted
		Options SymLinksIfOwnerMatch
		AllowOverride All
	</Directory>
END
else
	cat <<END
	DocumentRoot $here/htdocs
	Include $here/apache-conf/$site
END
fi
echo '</VirtualHost>'
