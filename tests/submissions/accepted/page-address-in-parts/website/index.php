<?php
const BASE = 'http://api:5000';
const CHEMIN = '/pozos/api/v1.0/get_student_ages';

class Annuaire
{
    public function __construct(private string $utilisateur, private string $passe) {}

    public function ages(): ?array
    {
        $flux = @fopen(BASE . CHEMIN, 'r', false, stream_context_create(['http' => [
            'header' => 'Authorization: Basic ' . base64_encode("$this->utilisateur:$this->passe"),
            'timeout' => 3.0,
        ]]));
        return $flux ? json_decode(stream_get_contents($flux), true)['student_ages'] ?? null : null;
    }
}

$ages = [];
if ($_POST) {
    $ages = (new Annuaire(getenv('USERNAME'), getenv('PASSWORD')))->ages();
    if ($ages === null) {
        http_response_code(504);
        exit('API muette, réessayez plus tard');
    }
}
?>
<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>Annuaire</title></head>
<body>
<form method="post" action="/index.php"><button name="ok" value="1">Lister</button></form>
<ul><?php foreach ($ages as $nom => $age): ?><li><?= htmlentities($nom) ?> (<?= htmlentities($age) ?>)</li><?php endforeach; ?></ul>
</body>
</html>
