# Every value is a string.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-Pool | Select-Object -Property 'pool_id','displayName','enabled','poolType','deliveryModel','desktopSource','persistence','provisionEnabled','vc_id','parentVMPath','parentVMSnapshotPath','minimumCount','maximumCount','headroomCount','refreshPolicy','deletePolicy'
