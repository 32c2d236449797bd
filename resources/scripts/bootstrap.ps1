$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$ErrorActionPreference = 'Stop'
$VkInput = @($input)
. ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($VkInput[0]))))
Invoke-VkScript -Script ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($VkInput[1])))
