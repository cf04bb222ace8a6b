#!/bin/bash
# Makes a repository in FOLDER with a package of nginx in each VERSION, laid out as that of nginx.org is, out of the
# binary of Debian's packages, which a node has downloaded.
set -euo pipefail
folder=$1
shift
archives=/var/cache/apt/archives
pool=$folder/pool/nginx/n/nginx
binary=$folder/dists/bookworm/nginx/binary-amd64
mkdir -p "$pool" "$binary"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
dpkg-deb --extract "$(ls $archives/nginx_1*.deb)" "$tree/debian"
dpkg-deb --extract "$(ls $archives/nginx-common_1*.deb)" "$tree/debian"
for version in "$@"; do
    package=$tree/$version
    mkdir -p "$package"/{DEBIAN,etc/nginx/conf.d,usr/sbin,lib/systemd/system,usr/share/nginx/html,var/log/nginx,var/cache/nginx}
    cp "$tree/debian/usr/sbin/nginx" "$package/usr/sbin/"
    cp "$tree/debian/etc/nginx/mime.types" "$package/etc/nginx/"
    echo welcome >"$package/usr/share/nginx/html/index.html"
    cat >"$package/etc/nginx/nginx.conf" <<'EOF'

user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;


events {
    worker_connections  1024;
}


http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    #tcp_nopush     on;

    keepalive_timeout  65;

    #gzip  on;

    include /etc/nginx/conf.d/*.conf;
}
EOF
    cat >"$package/etc/nginx/conf.d/default.conf" <<'EOF'
server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
}
EOF
    cat >"$package/lib/systemd/system/nginx.service" <<'EOF'
[Unit]
Description=nginx - high performance web server
After=network-online.target remote-fs.target nss-lookup.target
Wants=network-online.target

[Service]
Type=forking
PIDFile=/run/nginx.pid
ExecStart=/usr/sbin/nginx -c /etc/nginx/nginx.conf
ExecReload=/bin/sh -c "/bin/kill -s HUP $(/bin/cat /run/nginx.pid)"
ExecStop=/bin/sh -c "/bin/kill -s TERM $(/bin/cat /run/nginx.pid)"

[Install]
WantedBy=multi-user.target
EOF
    cat >"$package/DEBIAN/control" <<EOF
Package: nginx
Version: $version
Architecture: amd64
Maintainer: NGINX Packaging <nginx-packaging@f5.com>
Depends: libc6, libcrypt1, libpcre2-8-0, libssl3, zlib1g, adduser
Section: httpd
Priority: optional
Description: high performance web server
EOF
    printf '%s\n' /etc/nginx/conf.d/default.conf /etc/nginx/mime.types /etc/nginx/nginx.conf >"$package/DEBIAN/conffiles"
    cat >"$package/DEBIAN/postinst" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    id nginx >/dev/null 2>&1 || adduser --system --quiet --group --no-create-home --home /nonexistent nginx
    mkdir -p /var/lib/nginx
    systemctl daemon-reload || true
    if [ -z "$2" ]; then
        systemctl enable nginx.service || true
        deb-systemd-invoke start nginx.service || true
    else
        deb-systemd-invoke restart nginx.service || true
    fi
fi
EOF
    chmod 0755 "$package/DEBIAN/postinst"
    dpkg-deb --root-owner-group --build "$package" "$pool/nginx_${version}_amd64.deb" >/dev/null
done
cd "$folder"
for file in pool/nginx/n/nginx/*.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
done >"$binary/Packages"
cd dists/bookworm
list=nginx/binary-amd64/Packages
printf '%s\n' 'Origin: nginx' 'Label: nginx' 'Suite: stable' 'Codename: bookworm' "Date: $(date -Ru)" \
    'Architectures: amd64' 'Components: nginx' 'SHA256:' \
    " $(sha256sum $list | cut -d' ' -f1) $(stat -c %s $list) $list" >Release
