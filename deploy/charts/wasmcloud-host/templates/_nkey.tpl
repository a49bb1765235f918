{{/* A cluster seed (an nkey, `SC…`) made by the template itself: base32 of two bytes that say "seed of a
     cluster", 32 random bytes, and their CRC-16. Templates have no bit operations; they can divide.
     What it makes is held against the host's own reader in tests/kubernetes/test_chart.py. */}}
{{- define "wasmcloud-host.newClusterSeed" -}}
{{- $random := randBytes 32 | b64dec -}}
{{- $bytes := list 144 128 -}}
{{- range $i := until 32 -}}
{{- $bytes = append $bytes (index $random $i | int) -}}
{{- end -}}
{{- $crc := include "wasmcloud-host.crc16" $bytes | int -}}
{{- $bytes = concat $bytes (list (mod $crc 256) (div $crc 256)) -}}
{{- include "wasmcloud-host.base32" $bytes -}}
{{- end -}}

{{/* CRC-16/XMODEM: polynomial x^16+x^12+x^5+1, bit by bit. To xor with it is to turn three bits over. */}}
{{- define "wasmcloud-host.crc16" -}}
{{- $crc := 0 -}}
{{- range $byte := . -}}
{{- range $shift := list 128 64 32 16 8 4 2 1 -}}
{{- $differs := ne (div $crc 32768) (mod (div $byte $shift) 2) -}}
{{- $crc = mod (mul $crc 2) 65536 -}}
{{- if $differs -}}
{{- range $bit := list 4096 32 1 -}}
{{- if eq (mod (div $crc $bit) 2) 1 -}}{{- $crc = sub $crc $bit -}}{{- else -}}{{- $crc = add $crc $bit -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $crc -}}
{{- end -}}

{{/* Base32 without padding: five bytes are one number of eight letters. */}}
{{- define "wasmcloud-host.base32" -}}
{{- $alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" -}}
{{- $letters := div (add (mul (len .) 8) 4) 5 | int -}}
{{- $bytes := concat . (list 0 0 0 0) -}}
{{- $text := "" -}}
{{- range $group := until (div (len $bytes) 5 | int) -}}
{{- $number := 0 -}}
{{- range slice $bytes (mul $group 5 | int) (mul (add $group 1) 5 | int) -}}
{{- $number = add (mul $number 256) . -}}
{{- end -}}
{{- range $divisor := list 34359738368 1073741824 33554432 1048576 32768 1024 32 1 -}}
{{- $letter := mod (div $number $divisor) 32 | int -}}
{{- $text = print $text (substr $letter (add $letter 1 | int) $alphabet) -}}
{{- end -}}
{{- end -}}
{{- trunc $letters $text -}}
{{- end -}}
