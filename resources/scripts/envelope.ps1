# The fixed part of every remote PowerShell call. PowerShell 2.0 only.
#
# powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand (bootstrap.ps1, UTF-16LE, base64)
# Standard input, ASCII, then its end:
#   line 1    base64 of this file, UTF-8
#   line 2    base64 of the script, UTF-8
#   line 3..  only for Write-FilePart: the bytes to write, each line base64 of its own
# The bootstrap reads $input, not [Console]::In: powershell.exe itself reads a redirected standard input and would
# take lines away from a second reader.
#
# A script is one pipeline a line (or several, one after another): Cmdlet -Parameter 'literal' | Cmdlet ...
# Literals are 'single quoted' (a quote is doubled), whole numbers, $true, $false, and lists of them with commas.
# Lines that begin with # are left out before sending. View's cmdlets need the snap-in, so the first pipeline of such
# a script is: Add-PSSnapin -Name 'VMware.View.Broker'
#
# Standard output: one line, <<<VK + base64 of UTF-8 JSON + VK>>>
#   {"result": [{...}, ...], "ok": true}
#   {"result": [{...}, ...], "ok": false, "error": {"id": ..., "category": ..., "message": ...}}
# Objects are flat: strings, numbers, true, false, null, lists of them; times as UTC, ISO 8601; all else as its string.
# It is written in pieces while the pipeline runs, so that a long list stays below the shell's memory quota.
# Read-FilePart writes its bytes before that: the line <<<FILE, lines of base64 (each on its own), the line FILE>>>

$VkOut = [Console]::Out
$VkBytes = New-Object -TypeName 'System.IO.MemoryStream'
$VkState = @{ Begun = $false; Separator = '' }
$VkInvariant = [Globalization.CultureInfo]::InvariantCulture
$VkSpecial = New-Object -TypeName 'System.Text.RegularExpressions.Regex' -ArgumentList '[\x00-\x1f"\\\x7f\ud800-\udfff]'
$VkWhole = @('Byte', 'SByte', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Int64', 'UInt64', 'Decimal')
$VkBroken = @('Single', 'Double')

function ConvertTo-VkText([string]$Text) {
    if ($VkSpecial.IsMatch($Text)) {
        $escape = [Text.RegularExpressions.MatchEvaluator] {
            '\u' + ([int][char]$args[0].Value).ToString('x4')
        }
        $Text = $VkSpecial.Replace($Text, $escape)
    }
    return '"' + $Text + '"'
}

function ConvertTo-VkValue($Value) {
    if ($null -eq $Value) {
        return 'null'
    }
    if ($Value -is [string]) {
        return (ConvertTo-VkText $Value)
    }
    if ($Value -is [bool]) {
        return $Value.ToString().ToLowerInvariant()
    }
    if ($Value -is [DateTime]) {
        return '"' + $Value.ToUniversalTime().ToString('yyyy-MM-dd\THH:mm:ss.fff\Z', $VkInvariant) + '"'
    }
    $type = $Value.GetType().Name
    if ($VkWhole -contains $type) {
        return $Value.ToString($VkInvariant)
    }
    if ($VkBroken -contains $type) {
        return $Value.ToString('R', $VkInvariant)
    }
    if ($Value -is [Collections.IEnumerable]) {
        $items = @(foreach ($item in $Value) {
            ConvertTo-VkValue $item
        })
        return '[' + [string]::Join(',', [string[]]$items) + ']'
    }
    return (ConvertTo-VkText $Value.ToString())
}

function ConvertTo-VkObject($Object) {
    if (($Object -is [string]) -or ($Object -is [ValueType])) {
        return (ConvertTo-VkValue $Object)
    }
    $items = @(foreach ($property in $Object.PSObject.Properties) {
        (ConvertTo-VkText $property.Name) + ':' + (ConvertTo-VkValue $property.Value)
    })
    return '{' + [string]::Join(',', [string[]]$items) + '}'
}

function Write-VkJson([string]$Json, [bool]$Last) {
    $bytes = [Text.Encoding]::UTF8.GetBytes($Json)
    $VkBytes.Write($bytes, 0, $bytes.Length)
    if ((-not $Last) -and ($VkBytes.Length -lt 49152)) {
        return
    }
    if (-not $VkState.Begun) {
        $VkOut.Write('<<<VK')
        $VkState.Begun = $true
    }
    $all = $VkBytes.ToArray()
    $count = $all.Length
    if (-not $Last) {
        $count = $count - ($count % 3)
    }
    $VkOut.Write([Convert]::ToBase64String($all, 0, $count))
    $VkBytes.SetLength(0)
    $VkBytes.Write($all, $count, $all.Length - $count)
    if ($Last) {
        $VkOut.WriteLine('VK>>>')
        $VkOut.Flush()
    }
}

function Invoke-VkScript([string]$Script) {
    Write-VkJson '{"result":[' $false
    $end = '],"ok":true}'
    try {
        & ([ScriptBlock]::Create($Script)) | ForEach-Object {
            if ($null -ne $_) {
                Write-VkJson ($VkState.Separator + (ConvertTo-VkObject $_)) $false
                $VkState.Separator = ','
            }
        }
    }
    catch {
        $end = '],"ok":false,"error":{"id":' + (ConvertTo-VkText $_.FullyQualifiedErrorId) +
            ',"category":' + (ConvertTo-VkText $_.CategoryInfo.Category.ToString()) +
            ',"message":' + (ConvertTo-VkText $_.Exception.Message) + '}}'
    }
    Write-VkJson $end $true
}

# What PowerShell 2.0 lacks.

function New-VkSha256 {
    try {
        [void][Reflection.Assembly]::Load('System.Core, Version=3.5.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089')
        return (New-Object -TypeName 'System.Security.Cryptography.SHA256CryptoServiceProvider')
    }
    catch {
        return (New-Object -TypeName 'System.Security.Cryptography.SHA256Managed')
    }
}

function Open-VkFile([string]$Path) {
    $share = [IO.FileShare]'ReadWrite, Delete'
    return [IO.File]::Open($Path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $share)
}

# One object: Path, Length, Sha256 (lower-case hexadecimal).
function Get-FileSha256([string]$Path) {
    $stream = Open-VkFile $Path
    try {
        $hash = [BitConverter]::ToString((New-VkSha256).ComputeHash($stream)).Replace('-', '').ToLowerInvariant()
        $length = $stream.Length
    }
    finally {
        $stream.Close()
    }
    New-Object -TypeName 'PSObject' -Property @{ Path = $Path; Length = $length; Sha256 = $hash }
}

# Writes up to Count bytes from Offset on between its own marks. One object: Path, Length (of the file), Count (written).
function Read-FilePart([string]$Path, [long]$Offset, [long]$Count) {
    $stream = Open-VkFile $Path
    try {
        $buffer = New-Object -TypeName 'System.Byte[]' -ArgumentList 49152
        [void]$stream.Seek($Offset, [IO.SeekOrigin]::Begin)
        $VkOut.WriteLine('<<<FILE')
        $written = [long]0
        while ($written -lt $Count) {
            $size = $stream.Read($buffer, 0, [int][Math]::Min([long]$buffer.Length, $Count - $written))
            if ($size -le 0) {
                break
            }
            $VkOut.WriteLine([Convert]::ToBase64String($buffer, 0, $size))
            $written = $written + $size
        }
        $VkOut.WriteLine('FILE>>>')
        $length = $stream.Length
    }
    finally {
        $stream.Close()
    }
    New-Object -TypeName 'PSObject' -Property @{ Path = $Path; Length = $length; Count = $written }
}

# Writes standard input's bytes at Offset, which must be the file's end; 0 begins the file anew. Written through to
# the disk. One object: Path, Length.
function Write-FilePart([string]$Path, [long]$Offset) {
    $mode = [IO.FileMode]::Open
    if ($Offset -eq 0) {
        $mode = [IO.FileMode]::Create
    }
    $stream = New-Object -TypeName 'System.IO.FileStream' -ArgumentList $Path, $mode, ([IO.FileAccess]::Write),
        ([IO.FileShare]::Read), 65536, ([IO.FileOptions]::WriteThrough)
    try {
        if ($stream.Length -ne $Offset) {
            throw 'The file does not end where this part begins.'
        }
        [void]$stream.Seek($Offset, [IO.SeekOrigin]::Begin)
        for ($line = 2; $line -lt $VkInput.Length; $line++) {
            $bytes = [Convert]::FromBase64String($VkInput[$line])
            $stream.Write($bytes, 0, $bytes.Length)
        }
        $stream.Flush()
        $length = $stream.Length
    }
    finally {
        $stream.Close()
    }
    New-Object -TypeName 'PSObject' -Property @{ Path = $Path; Length = $length }
}

# Renames, replacing what is there in one act. PowerShell 2.0 makes '' of a null string: hence Invoke.
function Move-FileTo([string]$Path, [string]$Destination) {
    if ([IO.File]::Exists($Destination)) {
        $replace = [IO.File].GetMethod('Replace', [Type[]]@([string], [string], [string]))
        [void]$replace.Invoke($null, [object[]]@([string]$Path, [string]$Destination, $null))
    }
    else {
        [IO.File]::Move($Path, $Destination)
    }
}

# What View keeps in its AD LDS on this broker: one object for each entry below Base that Filter finds, with dn and the
# attributes of Property (null where the entry has none, a list where it has several).
function Find-AdLdsEntry([string]$Base, [string]$Filter, [string[]]$Property) {
    $server = 'LDAP://localhost:389/'
    $root = New-Object -TypeName 'System.DirectoryServices.DirectoryEntry' -ArgumentList ($server + $Base)
    $searcher = New-Object -TypeName 'System.DirectoryServices.DirectorySearcher' -ArgumentList $root, $Filter, $Property
    $searcher.PageSize = 500
    $found = $searcher.FindAll()
    try {
        foreach ($entry in $found) {
            $values = @{ dn = $entry.Path.Substring($server.Length) }
            foreach ($name in $Property) {
                $all = @($entry.Properties[$name])
                $values[$name] = $null
                if ($all.Length -eq 1) {
                    $values[$name] = $all[0]
                }
                elseif ($all.Length -gt 1) {
                    $values[$name] = $all
                }
            }
            New-Object -TypeName 'PSObject' -Property $values
        }
    }
    finally {
        $found.Dispose()
    }
}
