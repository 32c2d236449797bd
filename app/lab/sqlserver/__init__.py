"""SQL Server on the wire: TDS, T-SQL over what the world holds, BACKUP and its proof in msdb."""
