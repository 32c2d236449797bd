# View 4.5 returns some twice.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-DesktopVM | Select-Object -Property 'Name','id','Path','machine_id','pool_id','isInPool','localState','user_displayname','user_sid'
