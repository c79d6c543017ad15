/** Lines whose keywords HAProxy removed, and those that mean the same today. */
export const rewrites: readonly (readonly [line: string, running: string])[] = [
  ['reqadd X-Mode:\\ ro', 'http-request add-header X-Mode ro'],
  ['reqadd "X-Mode: read only"', 'http-request add-header X-Mode "read only"'],
  [
    'reqadd X-Mode:\\ read\\ only if held !late',
    'http-request add-header X-Mode read\\ only if held !late',
  ],
  ['reqadd X-Share:\\ 50% # half', 'http-request add-header X-Share 50%%'],
  [
    'rspadd Via:\\ proxy\\ \\#1 unless held',
    'http-response add-header Via proxy\\ \\#1 unless held',
  ],
  ['rspadd Cache-Control:\\ no-store', 'http-response add-header Cache-Control no-store'],
  ['reqidel ^X-Mode:.*', 'http-request del-header X-Mode'],
  ['reqdel ^X-Mode:', 'http-request del-header X-Mode'],
  ['reqidel ^X-Mode:\\ .*$ if held', 'http-request del-header X-Mode if held'],
  ['rspidel ^Server:.*', 'http-response del-header Server'],
  ['rspdel "^Server: "', 'http-response del-header Server'],
  [
    'reqrep ^Host:\\ (.*)\\.old$ Host:\\ \\1.new',
    'http-request replace-header Host ^(.*)\\.old$ \\1.new',
  ],
  [
    'reqirep ^Host:\\ (.*)\\.old$ Host:\\ \\1.new if held',
    'http-request replace-header Host (?i)^(.*)\\.old$ \\1.new if held',
  ],
  ['reqirep ^Host:\\ (.*) host:\\ \\1', 'http-request replace-header Host ^(.*) \\1'],
  [
    'rsprep ^Location:\\ http://(.*) Location:\\ https://\\1',
    'http-response replace-header Location ^http://(.*) https://\\1',
  ],
  [
    'rspirep ^Location:\\ http://(.*) Location:\\ https://\\1',
    'http-response replace-header Location (?i)^http://(.*) https://\\1',
  ],
  ['reqrep ^([^\\ :]*)\\ /static/(.*) \\1\\ /\\2', 'http-request replace-pathq ^/static/(.*) /\\1'],
  [
    'reqirep ^([^\\ ]*)\\ /(a|b)/(.*) \\1\\ /\\2/new/\\3',
    'http-request replace-pathq (?i)^/(a|b)/(.*) /\\1/new/\\2',
  ],
  ['reqtarpit . if held', 'http-request tarpit if held'],
  ['reqitarpit .* unless held', 'http-request tarpit unless held'],
  ['reqdeny ^.*$', 'http-request deny'],
  ['reqideny ^X-Bad:.*', 'http-request deny if { req.fhdr(X-Bad) -m found }'],
  [
    'reqideny ^X-Bad:\\ evil if held',
    'http-request deny if { req.fhdr(X-Bad) -m reg -i ^evil } held',
  ],
  ['reqtarpit ^X-Bad:\\ evil', 'http-request tarpit if { req.fhdr(X-Bad) -m reg ^evil }'],
  [
    'rspdeny ^Set-Cookie:\\ secret',
    'http-response deny if { res.fhdr(Set-Cookie) -m reg ^secret }',
  ],
  ['rspideny . if held', 'http-response deny if held'],
  ['block if held || { hdr(X) -m found }', 'http-request deny if held || { hdr(X) -m found }'],
  ['block unless held', 'http-request deny unless held'],
  ['option forceclose', 'option httpclose'],
  ['no  option  forceclose', 'no  option httpclose'],
  ['clitimeout 5s', 'timeout client 5s'],
  ['timeout contimeout 5s', 'timeout connect 5s'],
  ['srvtimeout 5000', 'timeout server 5000'],
  ['redispatch', 'option redispatch'],
  ['redisp', 'option redispatch'],
  ['reqidel ^X-Mode', 'http-request del-header X-Mode -m beg'],
  ['rspidel ^X-Powered.* if held', 'http-response del-header X-Powered -m beg if held'],
  ['reqidel ^(X-Real|X-Via):.*', 'http-request del-header ^(x-real|x-via)$ -m reg'],
  [
    'rspirep ^(Set-Cookie:.*) \\1;\\ Secure',
    'http-response replace-header Set-Cookie ^(.*) \\1;\\ Secure',
  ],
  [
    'rsprep ^(Set-Cookie:\\ sid=[^;]*)$ \\1;\\ Secure if held',
    'http-response replace-header Set-Cookie ^(sid=[^;]*)$ \\1;\\ Secure if held',
  ],
  [
    'rsprep ^(Location:\\ )http://([^/]*)(.*)$ \\1https://\\2:8443\\3',
    'http-response replace-header Location ^http://([^/]*)(.*)$ https://\\1:8443\\2',
  ],
  [
    'rsprep ^(Location:)\\ http://(.*) \\1\\ https://\\2',
    'http-response replace-header Location ^http://(.*) https://\\1',
  ],
  ['reqrep ^([^\\ ]*\\ /)admin[/]?(.*) \\1\\2', 'http-request replace-pathq ^/admin[/]?(.*) /\\1'],
  [
    'reqrep ^([^\\ :]*\\ )/old/(.*)$ \\1/new/\\2',
    'http-request replace-pathq ^/old/(.*)$ /new/\\1',
  ],
];
