<h1>API</h1><p>GET /pozos/api/v1.0/get_student_ages</p>
