{{- define "labels" -}}
app.kubernetes.io/name: openvidu-operator
app.kubernetes.io/component: controller
{{- end -}}
