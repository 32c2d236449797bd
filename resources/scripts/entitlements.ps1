# Who may use a pool.
Add-PSSnapin -Name 'VMware.View.Broker'
Get-PoolEntitlement -pool_id {pool_id} | Select-Object -Property 'pool_id','sid','displayName'
