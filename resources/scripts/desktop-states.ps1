# The states of desktops, which View PowerCLI does not tell.
Find-AdLdsEntry -Base 'OU=Servers,DC=vdi,DC=vmware,DC=int' -Filter '(objectClass=pae-VM)' -Property 'cn','pae-DisplayName','pae-VmState','pae-MOID','pae-VmPath','pae-MemberDNOf','pae-Disabled'
