-- Health of an OpenViduCluster or OpenViduNode for Argo CD: put it into the ConfigMap argocd-cm, under
-- resource.customizations.health.openvidu.io_OpenViduCluster and resource.customizations.health.openvidu.io_OpenViduNode.
local health = { status = "Progressing", message = "No operator has looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not seen the latest change yet"
  return health
end
local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function says(kind)
  local condition = conditions[kind]
  return condition ~= nil and condition.status == "True"
end
local function words(kind)
  local condition = conditions[kind]
  if condition.message ~= nil and condition.message ~= "" then
    return condition.reason .. ": " .. condition.message
  end
  return condition.reason
end
if says("Stalled") then
  health.status = "Degraded"
  health.message = words("Stalled")
elseif obj.spec ~= nil and obj.spec.paused == true then
  health.status = "Suspended"
  health.message = "spec.paused is true"
elseif says("Ready") then
  health.status = "Healthy"
  health.message = obj.status.summary or words("Ready")
elseif conditions["Ready"] ~= nil then
  health.message = words("Ready")
end
return health
